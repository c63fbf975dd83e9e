//! Economies over the years: what work costs and who does it, and what becomes of the token.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Curve, Quantity, of_segment, over_years, segments as segments_of};
use walras_analysis::experiment::Experiment;
use walras_analysis::record::MetricId;

use super::axis::Axis;
use super::nodes::{Row, stacked_over};
use super::{Figure, band_note, names, shown};

fn row(experiment: &Experiment, quantity: Quantity, label: &str) -> Option<Row> {
    let curves = over_years(experiment, quantity);
    is_something(&curves).then(|| Row::of_sizes(label, quantity.name(), curves))
}

/// The same of a quantity that is a share.
fn share(experiment: &Experiment, quantity: Quantity, label: &str) -> Option<Row> {
    let curves = over_years(experiment, quantity);
    (!curves.is_empty()).then(|| Row {
        axis: Axis::percent(label),
        column: quantity.name().into(),
        curves,
    })
}

/// Whether any of it is more than nothing.
fn is_something(curves: &[Curve]) -> bool {
    let mut points = curves.iter().flat_map(|curve| &curve.points);
    points.any(|point| point.y.mean != 0.0)
}

fn figure(
    experiment: &Experiment,
    comparison: &Comparison,
    (name, title): (&'static str, &str),
    rows: Vec<Option<Row>>,
    (finding, reading): (String, &str),
) -> Option<Figure> {
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    let years = experiment.manifest.horizon_s / (365.0 * 86400.0);
    let x = Axis::years(years);
    let (svg, csv) = stacked_over(&x, "year", title, &rows, &names(comparison))?;
    Some(Figure {
        name,
        title: title.to_owned(),
        finding,
        reading: format!("{reading} {}", band_note(comparison.replications)),
        svg,
        csv,
    })
}

/// What each economy comes to in two figures, as in `today: 900 providers at the end, price of work 0.5 USD/unit`.
fn told(comparison: &Comparison, [first, second]: [(MetricId, &str); 2]) -> String {
    let of = |(index, name): (usize, &String)| {
        let figure = |(metric, words): (MetricId, &str)| {
            Some(words.replace("{}", &shown(comparison, metric, index)?))
        };
        let parts: Vec<String> = [first, second].into_iter().filter_map(figure).collect();
        (!parts.is_empty()).then(|| format!("{name}: {}", parts.join(", ")))
    };
    let names = names(comparison);
    let parts: Vec<String> = names.iter().enumerate().filter_map(of).collect();
    format!("{}.", parts.join("; "))
}

/// Prices, use and providers.
pub(super) fn work(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let finding = told(
        comparison,
        [
            (MetricId::WorkPrice, "work at {} on average"),
            (MetricId::ProvidersEnd, "{} at the end"),
        ],
    );
    let reading = "Owners come where earnings exceed their costs, and leave later than they would have come; the market moves the price until what is offered is used as much as it aims at.";
    let rows = vec![
        row(experiment, Quantity::Price, "price of work, USD per unit"),
        row(experiment, Quantity::Served, "work done, units a day"),
        share(experiment, Quantity::Utilization, "utilization"),
        row(experiment, Quantity::Providers, "providers online"),
        row(
            experiment,
            Quantity::Earning,
            "earnings, USD per unit of capacity",
        ),
    ];
    let title = ("work-over-years", "Work, prices and providers over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}

/// Which part of the work of each segment of customers goes to the first network.
pub(super) fn segments(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let segments = segments_of(experiment);
    if segments.is_empty() {
        return None;
    }
    let rows = segments.into_iter().enumerate().map(|(index, name)| {
        Some(Row {
            axis: Axis::percent(&format!("of the work of {name}")),
            column: name.into(),
            curves: of_segment(experiment, index),
        })
    });
    let finding = told(
        comparison,
        [
            (MetricId::WorkShare, "{} of all work on average"),
            (MetricId::WorkPrice, "at {}"),
        ],
    );
    let reading = "What each segment of customers wants of the first network, by all that it wants: the more a network's price or quality is to a segment's taste, the more of it, and the faster, goes there.";
    let title = ("segments-over-years", "Who goes to the network");
    figure(
        experiment,
        comparison,
        title,
        rows.collect(),
        (finding, reading),
    )
}

/// What a cloud sells by contract.
pub(super) fn contracts(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    if ![Quantity::Reserved, Quantity::Spot]
        .into_iter()
        .any(|quantity| is_something(&over_years(experiment, quantity)))
    {
        return None;
    }
    let finding = told(
        comparison,
        [
            (
                MetricId::WorkPrice,
                "work at {} on average, all contracts together",
            ),
            (MetricId::WorkShare, "{} of all work"),
        ],
    );
    let reading = "Who has reserved capacity stays until the term ends, and pays for it, used or not; work that can be interrupted takes what is idle.";
    let rows = vec![
        row(
            experiment,
            Quantity::Reserved,
            "work on reserved capacity, units a day",
        ),
        row(
            experiment,
            Quantity::Unused,
            "reserved and not used, units a day",
        ),
        row(
            experiment,
            Quantity::Spot,
            "work on idle capacity, units a day",
        ),
        row(experiment, Quantity::Served, "all work, units a day"),
    ];
    let title = ("contracts-over-years", "Work by contract over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}

/// The token's price and supply, and the treasury.
pub(super) fn token(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    if !is_something(&over_years(experiment, Quantity::TokenPrice)) {
        return None;
    }
    let finding = told(
        comparison,
        [
            (MetricId::TokenPriceEnd, "token at {} at the end"),
            (MetricId::BurnToMint, "{} burned for each minted"),
        ],
    );
    let reading = "Where more is burned than minted, use pays for all that providers are given; where less, the price falls or somebody buys what they sell.";
    let rows = vec![
        row(experiment, Quantity::TokenPrice, "price of the token, USD"),
        row(experiment, Quantity::Supply, "tokens in existence"),
        row(experiment, Quantity::Minted, "tokens minted, by epoch"),
        row(experiment, Quantity::Burned, "tokens burned, by epoch"),
        row(experiment, Quantity::Treasury, "treasury, USD"),
    ];
    let title = ("token-over-years", "The token over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}

/// Stakes, what they earn, and the work of those who cheat; only where owners could.
pub(super) fn trust(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let of = |quantity| over_years(experiment, quantity);
    if ![Quantity::Lost, Quantity::StakeYield]
        .into_iter()
        .any(|quantity| is_something(&of(quantity)))
    {
        return None;
    }
    let finding = told(
        comparison,
        [
            (MetricId::LostShare, "{} of all work paid for was not done"),
            (MetricId::AttackCost, "a third of all stakes costs {}"),
        ],
    );
    let reading = "An owner is honest where a check is likely enough to cost more than cheating saves: the fee, what is slashed, and what it would have earned while barred.";
    let rows = vec![
        row(
            experiment,
            Quantity::Lost,
            "work paid for and not done, units a day",
        ),
        row(experiment, Quantity::Caught, "owners caught, by epoch"),
        row(experiment, Quantity::Staked, "tokens staked"),
        row(experiment, Quantity::StakeYield, "yield of stake, by year"),
    ];
    let title = ("trust-over-years", "Stakes and cheating over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}

/// Models on offer, what work finds in them, and what their creators get.
pub(super) fn creators(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    if !is_something(&over_years(experiment, Quantity::Models)) {
        return None;
    }
    let finding = told(
        comparison,
        [
            (MetricId::CreatorTop, "the top 1 % of creators get {}"),
            (MetricId::Models, "{} on offer"),
        ],
    );
    let reading = "New models come while models earn more than they cost on average, and go when they do not themselves: the more a rule gives to a few, the more come in hope and go.";
    let rows = vec![
        row(experiment, Quantity::Models, "models on offer"),
        row(
            experiment,
            Quantity::ModelQuality,
            "quality of models, by use",
        ),
        row(
            experiment,
            Quantity::CreatorPay,
            "pay of creators, USD a day",
        ),
    ];
    let title = ("creators-over-years", "Models and their creators over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}

/// What the owners of colluding validators do and get, and what validators get for it.
pub(super) fn validators(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    if !is_something(&over_years(experiment, Quantity::HonestDividends)) {
        return None;
    }
    let finding = told(
        comparison,
        [
            (
                MetricId::ColludersPay,
                "colluders' owners get {} of new tokens",
            ),
            (MetricId::ColludersWork, "for {} of the work"),
        ],
    );
    let reading = "A weight counts as far as enough stake agrees. While colluders have too little of it, they earn on what all others would give their owners, too, and lose the rest of their dividends; when they have enough, the others do.";
    let rows = vec![
        share(
            experiment,
            Quantity::ColludersPay,
            "new tokens for colluders' owners",
        ),
        share(
            experiment,
            Quantity::ColludersWork,
            "work of colluders' owners",
        ),
        row(
            experiment,
            Quantity::HonestDividends,
            "dividends of the honest over their stake",
        ),
        row(
            experiment,
            Quantity::ColludersDividends,
            "dividends of colluders over their stake",
        ),
        row(experiment, Quantity::Providers, "providers online"),
    ];
    let title = ("validators-over-years", "Validators who collude, over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}

/// Deals that begin, what is pledged for them, and what faults cost.
pub(super) fn deals(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    if !is_something(&over_years(experiment, Quantity::NewDeals)) {
        return None;
    }
    let finding = told(
        comparison,
        [
            (MetricId::Pledge, "{} pledged"),
            (MetricId::FaultCost, "faults cost {}"),
        ],
    );
    let reading = "Each day some deals end and as many customers choose anew, so that what is stored follows prices by the length of a term. The more of the supply is pledged, the less circulates; who must lock more wants more.";
    let rows = vec![
        row(
            experiment,
            Quantity::NewDeals,
            "deals that begin, units a day",
        ),
        row(experiment, Quantity::Served, "stored, units"),
        row(
            experiment,
            Quantity::Price,
            "price of new deals, USD per unit",
        ),
        row(experiment, Quantity::Pledge, "pledge, USD per unit"),
        row(
            experiment,
            Quantity::FaultFees,
            "fees for faults, USD a day",
        ),
        row(experiment, Quantity::Staked, "tokens pledged"),
        row(experiment, Quantity::Circulating, "tokens that circulate"),
    ];
    let title = ("deals-over-years", "Deals and pledges over time");
    figure(experiment, comparison, title, rows, (finding, reading))
}
