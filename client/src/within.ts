/** What is settled first, within so many milliseconds; undefined where nothing is. */
export async function within<T>(
  ms: number, ...promises: (T | Promise<T>)[]
): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, ms); });
  try {
    return await Promise.race([...promises, late]);
  } finally {
    clearTimeout(timer);
  }
}
