//! x
use std::time::Instant;
use walras_benches::queues::*;
use walras_benches::workloads::*;
use walras_des::EventQueue;
use walras_sim::world::Event;

fn time(f: &mut dyn FnMut()) -> f64 { let t = Instant::now(); f(); t.elapsed().as_secs_f64() }
fn median(mut v: Vec<f64>) -> f64 { v.sort_by(f64::total_cmp); v[v.len()/10] }

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let pick = |i: usize| args.get(i).filter(|a| !a.starts_with("--")).cloned().unwrap_or_default();
    let sizes: Vec<u64> = if pick(1).is_empty() { vec![30, 100, 1_000, 100_000, 1_000_000] } else { pick(1).split(',').map(|s| s.parse().unwrap()).collect() };
    {
        let mut st = stream();
        let mut now = walras_des::SimTime::ZERO;
        let mut v = vec![];
        for _ in 0..300 { v.push(time(&mut || for _ in 0..10_000 { now = std::hint::black_box(now) + Increment::Exponential.draw(&mut st); })); }
        println!("draw alone {:.2} ns", median(v) / 1e4 * 1e9);
    }
    if pick(3) == "new" {
        let mut c = Hold::<EventQueue<Event>>::new(sizes[0], Increment::Exponential);
        c.run(100_000_000);
        return;
    }
    for n in sizes {
        for inc in Increment::ALL {
            if !pick(2).is_empty() && !format!("{inc:?}").starts_with(&pick(2)) { continue; }
            let mut a = Hold::<BinaryHeapQueue<Event>>::new(n, inc);
            let mut b = Hold::<FourAryHeap<Event>>::new(n, inc);
            let mut c = Hold::<EventQueue<Event>>::new(n, inc);
            let warm = (3 * n).max(100_000);
            let t0 = Instant::now();
            a.run(warm.min(2_000_000)); b.run(warm.min(2_000_000)); c.run(warm);
            let _ = t0;
            let big = n > 50_000;
            let slice = if big { 100_000u64 } else { 10_000 };
            let (mut ra, mut rb, mut rc) = (vec![], vec![], vec![]);
            for _ in 0..(if big { 24 } else { 200 }) {
                ra.push(time(&mut || a.run(slice / if big { 5 } else { 1 })));
                rb.push(time(&mut || b.run(slice / if big { 2 } else { 1 })));
                rc.push(time(&mut || c.run(slice)));
            }
            let m = |v: Vec<f64>, f: u64| { let s: f64 = v.iter().sum::<f64>() / v.len() as f64; ((slice / f) as f64 / median(v) / 1e6, (slice / f) as f64 / s / 1e6) };
            let (x, y, z) = (m(ra, if big {5} else {1}), m(rb, if big {2} else {1}), m(rc, 1));
            println!("{n:>9} {inc:<12?} std {:6.2} ({:6.2})  4ary {:6.2} ({:6.2})  new {:6.2} ({:6.2})   x std {:5.2} x 4ary {:5.2}", x.0, x.1, y.0, y.1, z.0, z.1, z.0/x.0, z.0/y.0);
        }
    }
}
