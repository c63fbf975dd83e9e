"""Fits the synthetic workloads of workloads.yaml to the Azure LLM inference trace of 2023.

Usage: python fit_azure.py DIRECTORY > workloads.yaml
DIRECTORY holds AzureLLMInferenceTrace_conv.csv and AzureLLMInferenceTrace_code.csv, published at
github.com/Azure/AzurePublicDataset (CC-BY-4.0) with Patel et al., Splitwise, ISCA 2024. Needs numpy only.

Token counts. The empirical distribution function of an integer sample jumps at each value n; the line
through the points (F(n), n + 1/2), rounded to the nearest integer, reproduces it exactly. A greedy search
keeps the points that matter.

Arrivals, one of two models:
  modulated  Gamma renewal of CV c in operational time; in window w the rate is
             rate * exp(sigma Z_w - sigma^2 / 2), with Z_w a stationary Gaussian AR(1) of lag-one correlation rho.
  renewal    independent interarrival times from an empirical quantile function of mean one, divided by rate.
The modulated model is fitted to the index of dispersion of counts (IDC = variance / mean) over SCALES, which has
a closed form; c follows from the interarrival CV. The renewal model needs only the interarrival times: where
demand comes in bursts between long silences, as in the coding trace, no Gamma law is close to them.
The goodness figures compare the trace with REPLICATIONS synthetic traces of the same length.
"""

import sys

import numpy as np

KNOTS = 41  # token quantiles
GAP_KNOTS = 61  # interarrival quantiles; their upper tail carries most of the mean
SCALES = (1, 5, 10, 30, 60, 120, 300)  # s
REPLICATIONS = 400
ANCHORS = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
TRACES = {
    "azure-conv-2023": ("AzureLLMInferenceTrace_conv.csv", "conversation", "modulated"),
    "azure-code-2023": ("AzureLLMInferenceTrace_code.csv", "coding", "renewal"),
}


def load(path):
    """Arrival times [s from the first], prompt tokens and output tokens."""
    rows = [line.split(",") for line in open(path).read().split()[1:]]
    # A line is "2023-11-16 18:15:46.68,374,44"; split() has parted date from time, so keep the latter halves.
    rows = [row for row in rows if len(row) == 3]
    clock = np.array([[float(x) for x in row[0].split(":")] for row in rows]) @ [3600.0, 60.0, 1.0]
    tokens = np.array([[int(row[1]), int(row[2])] for row in rows])
    return clock - clock[0], tokens[:, 0], tokens[:, 1]


def thin(p, x, knots):
    """Indices of `knots` points of the quantile function through (p, x): alternately the point worst in
    probability, and the point worst in x inside the segment with the largest error of area (of the mean)."""
    keep = {0, len(p) - 1} | {int(np.argmin(abs(p - a))) for a in ANCHORS}
    while len(keep) < min(knots, len(p)):
        index = np.array(sorted(keep))
        if len(keep) % 2:
            keep.add(int(np.argmax(abs(np.interp(x, x[index], p[index]) - p))))
            continue
        error = np.interp(p, p[index], x[index]) - x
        area = np.concatenate([[0.0], np.cumsum(np.diff(p) * (error[1:] + error[:-1]) / 2)])
        worst = int(np.argmax(abs(np.diff(area[index]))))
        keep.add(int(index[worst] + np.argmax(abs(error[index[worst] : index[worst + 1] + 1]))))
    return np.array(sorted(keep))


def token_quantiles(sample):
    """Points (p, x) of the quantile function; rounding its value gives the token count."""
    value, count = np.unique(sample, return_counts=True)
    p = np.concatenate([[0.0], np.cumsum(count) / len(sample)])
    x = np.concatenate([[value[0] - 0.5], value + 0.5])
    index = thin(p, x, KNOTS)
    return np.round(p[index], 6), x[index]


def interarrival_quantiles(gaps):
    """Points (p, x) of the quantile function of gaps / mean, scaled so that its own mean is one."""
    # Plotting positions (i + 1/2) / n and flat ends keep the area under the curve equal to the sample mean.
    x = np.sort(gaps / gaps.mean())
    p = np.concatenate([[0.0], (np.arange(len(x)) + 0.5) / len(x), [1.0]])
    x = np.concatenate([x[:1], x, x[-1:]])
    index = thin(p, x, GAP_KNOTS)
    p, x = np.round(p[index], 6), x[index]
    return p, x / (np.diff(p) * (x[1:] + x[:-1]) / 2).sum()


def counts(times, window):
    return np.histogram(times, np.arange(int(times[-1] // window) + 1) * window)[0]


def idc(times, window):
    c = counts(times, window)
    return c.var(ddof=1) / c.mean()


def idc_modulated(scale, rate, cv, window, sigma, rho):
    """Var N / E N of the modulated model over aligned intervals: cv^2 plus the variance of the summed rate."""
    if scale < window:
        return cv**2 + rate * scale * np.expm1(sigma**2)
    k = int(scale // window)
    lag = np.arange(1, k)
    pairs = k * np.expm1(sigma**2) + 2 * ((k - lag) * np.expm1(sigma**2 * rho**lag)).sum()
    return cv**2 + rate * window / k * pairs


def idc_expected(scale, duration, *model):
    """Mean of the sample IDC of one trace: its variance is taken about the trace's own, not the true, mean rate."""
    n = int(duration // scale)
    return n / (n - 1) * (idc_modulated(scale, *model) - idc_modulated(n * scale, *model) / n)


def fit_modulation(times, rate, cv_total, window=60):
    """Least squares on log IDC over a grid; cv from CV^2 = (1 + cv^2) exp(sigma^2) - 1 (Palm calculus)."""
    target = np.log([idc(times, s) for s in SCALES])
    best = (np.inf,)
    for sigma in np.arange(0.05, 0.61, 0.005):
        cv = np.sqrt(max((1 + cv_total**2) * np.exp(-(sigma**2)) - 1, 0.04))
        for rho in np.arange(0.0, 0.96, 0.01):
            model = np.log([idc_expected(s, times[-1], rate, cv, window, sigma, rho) for s in SCALES])
            best = min(best, (((model - target) ** 2).sum(), cv, sigma, rho))
    return {"window_s": window, "sigma": round(best[2], 3), "correlation": round(best[3], 2)}, round(best[1], 3)


def synthesise(rng, duration, rate, cv, modulation, quantiles):
    """Arrival times on [0, duration] of the fitted model."""
    window = modulation["window_s"] if modulation else duration
    n = int(np.ceil(duration / window))
    z = rng.standard_normal(n)
    sigma, rho = (modulation["sigma"], modulation["correlation"]) if modulation else (0.0, 0.0)
    for i in range(1, n):
        z[i] = rho * z[i - 1] + np.sqrt(1 - rho**2) * z[i]
    cumulative = np.concatenate([[0.0], np.cumsum(rate * window * np.exp(sigma * z - sigma**2 / 2))])
    size = int(cumulative[-1] + 10 * cv * np.sqrt(cumulative[-1])) + 100
    gaps = np.interp(rng.random(size), *quantiles) if quantiles else rng.gamma(cv**-2, cv**2, size)
    operational = np.cumsum(gaps)
    return np.interp(operational[operational < cumulative[-1]], cumulative, np.arange(n + 1) * window)


def ks(a, b):
    a, b = np.sort(a), np.sort(b)
    at = np.concatenate([a, b])
    return abs(np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)).max()


def lag_one(gaps):
    return np.corrcoef(gaps[1:], gaps[:-1])[0, 1]


def ranks(sample):
    """Mean ranks (ties share theirs), for Spearman's correlation."""
    _, inverse, count = np.unique(sample, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[inverse]


def points(p, x):
    return "[" + ", ".join(f"[{a:g}, {b:.6g}]" for a, b in zip(p, x)) + "]"


def fit(name, directory):
    file, kind, model = TRACES[name]
    rng = np.random.default_rng(2023)
    times, prompt, output = load(f"{directory}/{file}")
    gaps = np.diff(times)
    rate, cv = round(1 / gaps.mean(), 4), round(gaps.std() / gaps.mean(), 3)
    modulation, quantiles = None, None
    if model == "modulated":
        modulation, cv = fit_modulation(times, rate, cv)
    else:
        quantiles = interarrival_quantiles(gaps)
    runs = [synthesise(rng, times[-1], rate, cv, modulation, quantiles) for _ in range(REPLICATIONS)]
    pooled = np.concatenate([np.diff(run) for run in runs])
    total_cv = gaps.std() / gaps.mean()
    plain = {"poisson": rng.exponential(1 / rate, 200_000),
             "gamma_renewal": rng.gamma(total_cv**-2, total_cv**2 / rate, 200_000)}
    good = {"interarrival_ks": ks(gaps, pooled)}
    good |= {f"interarrival_ks_{k}": ks(gaps, v) for k, v in plain.items()}
    good |= {"interarrival_cv_measured": total_cv, "interarrival_cv_fitted": pooled.std() / pooled.mean()}
    good |= {"interarrival_lag_one_measured": lag_one(gaps),
             "interarrival_lag_one_fitted": np.mean([lag_one(np.diff(r)) for r in runs])}
    for s in (1, 10, 60):
        good |= {f"idc_{s}s_measured": idc(times, s), f"idc_{s}s_fitted": np.mean([idc(r, s) for r in runs])}
        good |= {f"idle_{s}s_measured": np.mean(counts(times, s) == 0),
                 f"idle_{s}s_fitted": np.mean([np.mean(counts(r, s) == 0) for r in runs])}
    columns = {}
    for label, sample in (("prompt", prompt), ("output", output)):
        columns[label] = token_quantiles(sample)
        drawn = np.maximum(np.round(np.interp(rng.random(1_000_000), *columns[label])), 1)
        good |= {f"{label}_ks": ks(sample, drawn), f"{label}_mean_measured": sample.mean(),
                 f"{label}_mean_error": drawn.mean() / sample.mean() - 1}
    spearman = np.corrcoef(ranks(prompt), ranks(output))[0, 1]
    print(f"""{name}:
  description: Azure OpenAI {kind} service, one hour of 2023-11-16, production requests with prompt and output token counts.
  requests: {len(times)}
  duration_s: {times[-1]:.1f}
  arrivals:
    rate_per_s: {rate}
    interarrival_cv: {cv}""")
    if modulation:
        print("    modulation: {" + ", ".join(f"{k}: {v}" for k, v in modulation.items()) + "}")
    if quantiles:
        print(f"    interarrival_quantiles: {points(*quantiles)}")
    for label, (p, x) in columns.items():
        print(f"  {label}_tokens:\n    quantiles: {points(p, x)}")
    print(f"  correlation: {2 * np.sin(np.pi * spearman / 6):.4f}\n  goodness:")
    for key, value in good.items():
        print(f"    {key}: {value:.4g}")
    print(f"""  source: >-
    {file}, github.com/Azure/AzurePublicDataset (CC-BY-4.0); Patel et al., Splitwise, ISCA 2024,
    arXiv:2311.18677. Fitted by fit_azure.py.
""")


if __name__ == "__main__":
    print("""# Synthetic workloads fitted to published traces. Generated by fit_azure.py; do not edit by hand.
# quantiles: [[p, x], ...] is the quantile function, linear in x between points; x is rounded to whole tokens, at least 1.
# correlation: Gaussian copula correlation of prompt and output tokens, 2 sin(pi rho_s / 6) of Spearman's rho_s.
# arrivals: renewal process with unit-mean interarrival times in operational time: Gamma of CV interarrival_cv, or, where
#   given, interarrival_quantiles (in multiples of the mean interarrival time; interarrival_cv then only describes it).
# modulation: in window w the rate is rate_per_s * exp(sigma Z_w - sigma^2/2), Z_w Gaussian AR(1) with `correlation`.
# goodness: *_ks are Kolmogorov-Smirnov distances; idc_Ns the index of dispersion of counts over N s; idle_Ns the share
#   of empty N s windows; fitted values are means over 400 synthetic traces of the measured length.
""")
    for workload in TRACES:
        fit(workload, sys.argv[1])
