"""What DynamoDB would bill: "DynamoDB item sizes and formats", "DynamoDB read and write
operations"."""

WRITE_BYTES = 1024
READ_BYTES = 4096
TRANSACTIONS = ("TransactWriteItems", "TransactGetItems")


def size(item):
    """Of an item's attributes: names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value):
    [(kind, held)] = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return (len(held.lstrip("-").replace(".", "")) + 1) // 2 + 1
        case "B":
            return len(held.rstrip("=")) * 3 // 4
        case "L":
            return 3 + sum(1 + value_size(one) for one in held)
        case "M":
            return 3 + len(held) + size(held)
        case "SS" | "NS" | "BS":
            return sum(value_size({kind[0]: one}) for one in held)
    return 1  # BOOL and NULL


def write_units(operation, before, after):
    """For items of these sizes before and after: the larger one counts, also where a condition
    failed, and twice in a transaction."""
    units = sum(max(1, -(-max(pair) // WRITE_BYTES)) for pair in zip(before, after))
    return units * (2 if operation in TRANSACTIONS else 1)


def read_units(operation, sizes, is_consistent):
    """What a Query finds counts as one; a read that need not be consistent is half."""
    if operation in ("Query", "Scan"):
        sizes = [sum(sizes)]
    units = sum(max(1, -(-one // READ_BYTES)) for one in sizes)
    return units * (2 if operation in TRANSACTIONS else 1 if is_consistent else 0.5)
