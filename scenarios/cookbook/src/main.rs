//! `walras` with a scheduler of one's own: of some random nodes, the one that is expected to finish first.

use walras::Registered;
use walras_des::{Purpose, Stream};
use walras_sim::ids::{JobId, NodeId};
use walras_sim::scheduling::{Dispatch, Pick};
use walras_sim::view::View;

struct Swiftest {
    d: u32,
    stream: Stream,
}

impl Pick for Swiftest {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let up = view.nodes_up();
        let mut best: Option<(f64, NodeId)> = None;
        for _ in 0..self.d.min(up.len() as u32) {
            let node = up[self.stream.below(up.len() as u64) as usize];
            let expected = view.predict(job, node);
            let time = expected.ttft + expected.tpot * f64::from(view.job(job).output_estimate);
            if view.eligible(job, node) && best.is_none_or(|(least, _)| time < least) {
                best = Some((time, node));
            }
        }
        best.map(|(_, node)| node).or_else(|| view.shortest_queue(job))
    }
}

fn main() -> std::process::ExitCode {
    walras::main_with([Registered::new("swiftest", |parameters, streams| {
        let d = parameters.get("d", 8)?;
        let stream = streams.open(Purpose::new("swiftest"), 0);
        Ok(Dispatch(Swiftest { d, stream }))
    })])
}
