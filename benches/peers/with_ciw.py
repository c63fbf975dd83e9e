"""The M/M/c station on ciw, a simulator of queueing networks: a node with a number of servers.

Arguments: kind, size, units, seed, load, mu, sigma, compared jobs. Prints user CPU seconds and the value to check.
"""

import resource
import sys

import ciw


def user_cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def main():
    _, servers, customers, seed, load, _, _, _ = sys.argv[1:]
    servers = int(servers)
    ciw.seed(int(seed))
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=float(load) * servers)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    start = user_cpu()
    simulation.simulate_until_max_customers(int(customers))
    cpu = user_cpu() - start
    responses = [
        record.exit_date - record.arrival_date
        for record in simulation.get_all_records()
    ]
    print(cpu, sum(responses) / len(responses))


main()
