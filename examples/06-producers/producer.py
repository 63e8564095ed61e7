"""A producer in Python, with the standard library alone: sends this machine's load to `windrow gateway`.

The seq of a point is a counter in a file, which is stored before the point is sent. So a seq is never used twice, and a
point that was lost in a crash shows up as a missing seq. When a window is over, a manifest announces what it holds.
"""
import json, os, socket, time, urllib.error, urllib.request

GATEWAY = os.environ.get("GATEWAY", "http://127.0.0.1:8080")
HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('TOKEN', '')}"}
STATE = os.environ.get("STATE_FILE", "producer-state.json")
VM_ID = os.environ.get("VM_ID", socket.gethostname())
EVERY_MS = int(os.environ.get("EVERY_MS", 10_000))
WINDOW_MS = int(os.environ.get("WINDOW_MS", 3_600_000))
SAMPLES = float(os.environ.get("SAMPLES", "inf"))


def send(path, item):
    """Sends an item until the gateway has stored it. An identical record is counted once, so retries are safe."""
    request = urllib.request.Request(GATEWAY + path, json.dumps([item]).encode(), HEADERS)
    while True:
        pause = 1
        try:
            return urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            if error.code not in (408, 429, 503):
                raise SystemExit(error.read().decode())  # The request itself is wrong: repeating it would not help.
            pause = float(error.headers.get("Retry-After", 1))
        except OSError as error:
            print(f"{GATEWAY} cannot be reached: {error}")
        time.sleep(pause)


def store(state):
    with open(STATE + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(STATE + ".new", STATE)


now = time.time_ns() // 1_000_000
state = {"window": now - now % WINDOW_MS, "first": 0, "next": 0}
if os.path.exists(STATE):
    with open(STATE) as file:
        state = json.load(file)
while SAMPLES > 0:
    now = time.time_ns() // 1_000_000
    while state["window"] + WINDOW_MS <= now:  # Also announces windows in which this program did not run: they have 0 points.
        window, first, count = state["window"], state["first"], state["next"] - state["first"]
        send("/v1/manifests", {"vmId": VM_ID, "windowStart": window, "firstSeq": first, "count": count})
        state = {"window": window + WINDOW_MS, "first": state["next"], "next": state["next"]}
    seq = state["next"]
    state["next"] += 1
    store(state)
    point = {"vmId": VM_ID, "metric": "load", "timestamp": now, "seq": seq, "value": os.getloadavg()[0]}
    send("/v1/points", point)
    SAMPLES -= 1
    time.sleep(EVERY_MS / 1000)
