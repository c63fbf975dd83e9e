//! What other simulators of inference publish of their errors.

/// A published error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The simulator.
    pub system: &'static str,
    /// What it states.
    pub error: &'static str,
    /// On what.
    pub on: &'static str,
    /// Who says so.
    pub source: &'static str,
}

/// The published errors.
#[must_use]
pub fn peers() -> &'static [Peer] {
    &[
        Peer {
            system: "BLIS",
            error: "end to end 6.7 %, first token 17.6 %, between tokens 7.1 % (medians)",
            on: "vLLM on H100, fitted to 15 other runs; A100 never seen 15.7 %, L40S 13.3 %",
            source: "its authors (github.com/inference-sim, 2026)",
        },
        Peer {
            system: "Vidur",
            error: "request latency below 9 %; by others 2.5 % on 11 runs like its own, 619 % (median) elsewhere",
            on: "A100 and H100 with profiled kernels; 38 runs of vLLM",
            source: "Agrawal et al., MLSys 2024; the authors of BLIS",
        },
        Peer {
            system: "LLMServingSim 2.0",
            error: "0.95 % (mean); by others end to end 19 %, first token 73 % (medians)",
            on: "its own four vLLM runs, two of which are replayed above; 32 runs of vLLM",
            source: "its authors; the authors of BLIS",
        },
        Peer {
            system: "AIConfigurator",
            error: "products 7 to 15 % (leave one out); by others end to end 22 %, first token 800 % (means)",
            on: "its own kernel tables, the same that the H100 and A100 are fitted to here; runs of vLLM",
            source: "its documentation; the authors of BLIS",
        },
        Peer {
            system: "plain roofline",
            error: "end to end 35 %, first token 675 % (means)",
            on: "runs of vLLM on H100",
            source: "the authors of BLIS",
        },
    ]
}
