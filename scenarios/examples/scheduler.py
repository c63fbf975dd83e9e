"""Least loaded, as a process: the node with the fewest jobs, the nearest among equals, then the first."""
import json
import sys


def may_take(job, fixed, now):
    rates = price or fixed["ask"]
    cost = rates["prompt"] * job["prompt_tokens"] // 10**6 + rates["output"] * job["output_estimate"] // 10**6
    room = hello["profiles"][fixed["profile"]]["kv_tokens"]
    return (now["up"] and now["willing"] and now["outstanding"] < hello["slots"]
            and job["prompt_tokens"] + hello["longest_answer"] <= room
            and (job["limit"] is None or cost <= job["limit"]))


def decide(asked):
    if "job" in asked:
        candidates = [waiting[asked["job"]]] if asked["job"] in waiting else []
    elif "node" in asked:
        free = hello["nodes"][asked["node"]], nodes[asked["node"]]
        candidates = [job for job in waiting.values() if may_take(job, *free)][:1]
    else:
        candidates = waiting.values()
    for job in candidates:
        latency = hello["latency"][job["origin"]]
        best = min(((now["outstanding"], latency[fixed["region"]] + fixed["access"], now["node"])
                    for fixed, now in zip(hello["nodes"], nodes) if may_take(job, fixed, now)), default=None)
        if best:
            again = [] if "job" in asked or "node" in asked else [{"wake": {"at": asked["now"]}}]
            return [{"place": {"job": job["job"], "node": best[2]}}] + again
    return []


hello = json.loads(sys.stdin.readline())
nodes, waiting, price = [None] * len(hello["nodes"]), {}, None
print('{"protocol": 1}', flush=True)
for asked in map(json.loads, sys.stdin):
    if "bye" in asked:
        break
    price = asked.get("price", price)
    for node in asked["nodes"]:
        nodes[node["node"]] = node
    for job in asked["left"]:
        del waiting[job]
    waiting.update((job["job"], job) for job in asked["jobs"])
    print(json.dumps({"orders": decide(asked)}), flush=True)
