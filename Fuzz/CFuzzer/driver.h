#include <stddef.h>
#include <stdint.h>

// libFuzzer as a library, which has no header (https://llvm.org/docs/LibFuzzer.html).
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *data, size_t size));
