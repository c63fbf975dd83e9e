"""The workloads on SimPy: a process per pending event, customer or job, and a Resource per server.

Arguments: kind, size, units, seed, load, mu, sigma, compared jobs. Prints user CPU seconds and the value to check.
"""

import random
import resource
import sys

import simpy


def user_cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def hold(env, pending, holds, draw):
    left = holds
    done = env.event()

    def ticks():
        nonlocal left
        while True:
            yield env.timeout(draw.expovariate(1.0))
            left -= 1
            if left == 0:
                done.succeed()

    for _ in range(pending):
        env.process(ticks())
    for _ in range(
        pending
    ):  # every process takes its first increment: part of the set-up
        env.step()
    start = user_cpu()
    env.run(until=done)
    return user_cpu() - start, env.now * pending / holds


def served(env, server, service, responses):
    came = env.now
    with server.request() as turn:
        yield turn
        yield env.timeout(service)
    responses.append(env.now - came)


def station(env, servers, customers, load, draw):
    server = simpy.Resource(env, capacity=servers)
    responses = []

    def arrivals():
        for _ in range(customers):
            env.process(served(env, server, draw.expovariate(1.0), responses))
            yield env.timeout(draw.expovariate(load * servers))

    env.process(arrivals())
    start = user_cpu()
    env.run()
    return user_cpu() - start, sum(responses) / len(responses)


def cluster(env, size, jobs, load, mu, sigma, compared, draw):
    nodes = [simpy.Resource(env) for _ in range(size)]
    responses = []

    def length(node):
        return node.count + len(node.queue)

    def arrivals():
        for _ in range(jobs):
            a, b = draw.choice(nodes), draw.choice(nodes)
            node = b if length(b) < length(a) else a
            env.process(served(env, node, draw.lognormvariate(mu, sigma), responses))
            yield env.timeout(draw.expovariate(load * size))

    env.process(arrivals())
    start = user_cpu()
    env.run()
    return user_cpu() - start, sum(responses[:compared]) / compared


def main():
    kind, size, units, seed, load, mu, sigma, compared = sys.argv[1:]
    size, units, load = int(size), int(units), float(load)
    env, draw = simpy.Environment(), random.Random(int(seed))
    if kind == "hold":
        cpu, check = hold(env, size, units, draw)
    elif kind == "station":
        cpu, check = station(env, size, units, load, draw)
    else:
        cpu, check = cluster(
            env, size, units, load, float(mu), float(sigma), int(compared), draw
        )
    print(cpu, check)


main()
