// The workloads on SimGrid: an actor per server and an actor per customer, as its S4U interface teaches, and callbacks on the timers
// of its kernel.
//
// Arguments: the word version alone, or form, kind, size, units, seed, load, mu, sigma, compared jobs. Prints user CPU seconds and the value to check.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>
#include <simgrid/version.h>
#include <xbt/log.h>

namespace s4u = simgrid::s4u;
using simgrid::kernel::timer::Timer;

static double user_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) * 1e-6;
}

static double now() { return s4u::Engine::get_clock(); }

static std::mt19937_64 generator;

static double exponential(double mean) { return std::exponential_distribution<double>(1.0 / mean)(generator); }

static double start = -1.0;

// Ends the process where it stands: taking down 10^5 actors would last longer than the run.
[[noreturn]] static void report(double check) {
  std::printf("%.6f %.9g\n", user_cpu() - start, check);
  std::fflush(stdout);
  std::quick_exit(0);
}

struct Hold {
  int pending;
  std::int64_t holds;
  std::int64_t done = 0;

  void tick() {
    if (done == 0)
      start = user_cpu();
    if (++done == holds)
      report(now() * pending / static_cast<double>(holds));
  }

  void by_timers() {
    Timer::set(now() + exponential(1.0), [this] {
      tick();
      by_timers();
    });
  }

  void by_actors() {
    while (true) {
      s4u::this_actor::sleep_for(exponential(1.0));
      tick();
    }
  }
};

struct Responses {
  std::int64_t units;
  std::int64_t compared;
  std::int64_t seen = 0;
  double sum = 0.0;

  void record(double seconds) {
    if (seen < compared)
      sum += seconds;
    if (++seen == units)
      report(sum / static_cast<double>(compared));
  }
};

struct Station {
  int servers;
  double gap;
  std::int64_t left;
  Responses responses;
  std::deque<double> line;
  int free = servers;
  s4u::SemaphorePtr waiting = s4u::Semaphore::create(0);
  s4u::SemaphorePtr places = s4u::Semaphore::create(servers);

  void arrivals_by_timers() {
    if (free > 0) {
      --free;
      serve(now());
    } else {
      line.push_back(now());
    }
    if (--left > 0)
      Timer::set(now() + exponential(gap), [this] { arrivals_by_timers(); });
  }

  void serve(double came) {
    Timer::set(now() + exponential(1.0), [this, came] {
      if (line.empty()) {
        ++free;
      } else {
        double next = line.front();
        line.pop_front();
        serve(next);
      }
      responses.record(now() - came);
    });
  }

  void arrivals_by_actors() {
    for (; left > 0; --left) {
      line.push_back(now());
      waiting->release();
      s4u::this_actor::sleep_for(exponential(gap));
    }
  }

  // As a simulation of processes is mostly written: each customer is one, and the servers are places of a semaphore.
  void arrivals_of_customers() {
    for (; left > 0; --left) {
      s4u::Actor::create("customer", s4u::this_actor::get_host(), [this] {
        double came = now();
        places->acquire();
        s4u::this_actor::sleep_for(exponential(1.0));
        places->release();
        responses.record(now() - came);
      });
      s4u::this_actor::sleep_for(exponential(gap));
    }
  }

  void server() {
    while (true) {
      waiting->acquire();
      double came = line.front();
      line.pop_front();
      s4u::this_actor::sleep_for(exponential(1.0));
      responses.record(now() - came);
    }
  }
};

struct Job {
  double came;
  double size;
};

struct Cluster {
  int size;
  double gap;
  std::int64_t left;
  std::lognormal_distribution<double> sizes;
  Responses responses;
  std::vector<std::deque<Job>> nodes = std::vector<std::deque<Job>>(size);
  std::vector<s4u::SemaphorePtr> waiting = {};

  int shorter_of_two() {
    std::uniform_int_distribution<int> pick(0, size - 1);
    int a = pick(generator), b = pick(generator);
    return nodes[b].size() < nodes[a].size() ? b : a;
  }

  void arrivals_by_timers() {
    int node = shorter_of_two();
    nodes[node].push_back({now(), sizes(generator)});
    if (nodes[node].size() == 1)
      serve(node);
    if (--left > 0)
      Timer::set(now() + exponential(gap), [this] { arrivals_by_timers(); });
  }

  void serve(int node) {
    Timer::set(now() + nodes[node].front().size, [this, node] {
      double came = nodes[node].front().came;
      nodes[node].pop_front();
      if (!nodes[node].empty())
        serve(node);
      responses.record(now() - came);
    });
  }

  void arrivals_by_actors() {
    for (; left > 0; --left) {
      int node = shorter_of_two();
      nodes[node].push_back({now(), sizes(generator)});
      waiting[node]->release();
      s4u::this_actor::sleep_for(exponential(gap));
    }
  }

  // The same with a semaphore of one place for each node; a line is as long as there are jobs at the node.
  void arrivals_of_customers() {
    for (; left > 0; --left) {
      int node = shorter_of_two();
      Job job{now(), sizes(generator)};
      nodes[node].push_back(job);
      s4u::Actor::create("customer", s4u::this_actor::get_host(), [this, node, job] {
        waiting[node]->acquire();
        s4u::this_actor::sleep_for(job.size);
        nodes[node].pop_front();
        waiting[node]->release();
        responses.record(now() - job.came);
      });
      s4u::this_actor::sleep_for(exponential(gap));
    }
  }

  void server(int node) {
    while (true) {
      waiting[node]->acquire();
      s4u::this_actor::sleep_for(nodes[node].front().size);
      double came = nodes[node].front().came;
      nodes[node].pop_front();
      responses.record(now() - came);
    }
  }
};

int main(int argc, char** argv) {
  if (argc == 2) {
    std::printf("%d.%d\n", SIMGRID_VERSION_MAJOR, SIMGRID_VERSION_MINOR);
    return 0;
  }
  xbt_log_control_set("root.thresh:warning");
  const std::string form = argc > 1 ? argv[1] : "";
  const bool customers = form == "customers";
  const bool actors = form == "actors" || customers;
  s4u::Engine engine(&argc, argv);
  // Small stacks without guard pages, so that the system lends memory to 10^5 actors; who writes an actor per customer
  // leaves both as they are.
  if (!customers) {
    s4u::Engine::set_config("contexts/stack-size:16");
    s4u::Engine::set_config("contexts/guard-size:0");
  }
  auto* zone = s4u::create_empty_zone("world");
  auto* host = zone->create_host("host", 1e9)->seal();
  zone->seal();

  const std::string kind = argv[2];
  const int size = std::atoi(argv[3]);
  const std::int64_t units = std::atoll(argv[4]);
  generator.seed(std::strtoull(argv[5], nullptr, 10));
  const double gap = 1.0 / (std::atof(argv[6]) * size);
  const std::int64_t compared = std::atoll(argv[9]);
  Hold hold{size, units};
  Station station{size, gap, units, {units, units}, {}};
  Cluster cluster{size, gap, units, std::lognormal_distribution<double>(std::atof(argv[7]), std::atof(argv[8])),
                  {units, compared}};

  if (kind == "hold") {
    for (int i = 0; i < size; ++i) {
      if (actors)
        s4u::Actor::create("tick", host, [&hold] { hold.by_actors(); });
      else
        hold.by_timers();
    }
  } else if (kind == "station") {
    start = user_cpu();
    if (customers) {
      s4u::Actor::create("arrivals", host, [&station] { station.arrivals_of_customers(); });
    } else if (actors) {
      for (int i = 0; i < size; ++i)
        s4u::Actor::create("server", host, [&station] { station.server(); });
      s4u::Actor::create("arrivals", host, [&station] { station.arrivals_by_actors(); });
    } else {
      Timer::set(0.0, [&station] { station.arrivals_by_timers(); });
    }
  } else {
    start = user_cpu();
    if (customers) {
      for (int i = 0; i < size; ++i)
        cluster.waiting.push_back(s4u::Semaphore::create(1));
      s4u::Actor::create("arrivals", host, [&cluster] { cluster.arrivals_of_customers(); });
    } else if (actors) {
      for (int i = 0; i < size; ++i) {
        cluster.waiting.push_back(s4u::Semaphore::create(0));
        s4u::Actor::create("server", host, [&cluster, i] { cluster.server(i); });
      }
      s4u::Actor::create("arrivals", host, [&cluster] { cluster.arrivals_by_actors(); });
    } else {
      Timer::set(0.0, [&cluster] { cluster.arrivals_by_timers(); });
    }
  }
  engine.run();
  std::fprintf(stderr, "the run ended before its last unit\n");
  return 1;
}
