import datetime


def run(arguments, here):
    import zoneinfo

    try:
        zone = zoneinfo.ZoneInfo(arguments[0])
    except zoneinfo.ZoneInfoNotFoundError:
        print(f"no zone {arguments[0]}")
        return 4
    print(datetime.datetime.fromtimestamp(1700000000, zone).isoformat())
    return 0
