# Asks for each row by http.client, and tells what came of it.
# python3 read.py PORT COUNT METHODS
import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor

port, count, methods = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def read(id):
    method = "HEAD" if methods[id] == "h" else "GET"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request(method, f"/{id}")
        response = connection.getresponse()
        body = response.read().decode("latin-1")
        return [response.status, body, response.getheader("x") or ""]
    except Exception:
        return None
    finally:
        connection.close()


with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(read, range(count)))))
