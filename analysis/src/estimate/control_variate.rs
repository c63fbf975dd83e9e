//! Control variates: what is known exactly about a run corrects what is estimated from it.
//!
//! A replication with more work than expected has longer waits than expected. Regressing the waits on the work, and
//! reading the line at the expected work, removes that part of the error.
//! S. S. Lavenberg, P. D. Welch, "A perspective on the use of control variables to increase the efficiency of Monte
//! Carlo simulations", Management Science 27(3), 1981, doi 10.1287/mnsc.27.3.322; exact for normal replications.

use crate::estimate::student::{Moments, tested};
use crate::estimate::{Estimate, Method};

/// The mean of `values` given that the mean of `controls`, one for each, is known to be `expectation`: the regression
/// estimate ȳ − b·(x̄ − μ) with its t interval of n − 2 degrees of freedom.
///
/// `None` below three values, or if all controls are the same.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn control_variate(values: &[f64], controls: &[f64], expectation: f64) -> Option<Estimate> {
    assert_eq!(
        values.len(),
        controls.len(),
        "every value needs its control"
    );
    if values.len() < 3 {
        return None;
    }
    let (y, x) = (Moments::of(values)?, Moments::of(controls)?);
    let pairs = || values.iter().zip(controls);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (value, control) in pairs() {
        xx += (control - x.mean) * (control - x.mean);
        xy += (control - x.mean) * (value - y.mean);
    }
    if xx == 0.0 {
        return None;
    }
    let slope = xy / xx;
    let residual = |(value, control): (&f64, &f64)| {
        let residual = (value - y.mean) - slope * (control - x.mean);
        residual * residual
    };
    let freedom = y.n - 2.0;
    let residuals = pairs().map(residual).sum::<f64>() / freedom;
    let away = x.mean - expectation;
    let error = (residuals * (1.0 / y.n + away * away / xx)).sqrt();
    let (estimate, _) = tested(
        y.mean - slope * away,
        Some((error, freedom)),
        values.len(),
        Method::ControlVariate,
    );
    Some(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::student::t_quantile;

    /// NIST Statistical Reference Datasets, Linear Regression, `Norris` (x, y): calibration of ozone monitors.
    #[rustfmt::skip]
    const NORRIS: [(f64, f64); 36] = [
        (0.2, 0.1), (337.4, 338.8), (118.2, 118.1), (884.6, 888.0), (10.1, 9.2), (226.5, 228.1),
        (666.3, 668.5), (996.3, 998.5), (448.6, 449.1), (777.0, 778.9), (558.2, 559.2), (0.4, 0.3),
        (0.6, 0.1), (775.5, 778.1), (666.9, 668.8), (338.0, 339.3), (447.5, 448.9), (11.6, 10.8),
        (556.0, 557.7), (228.1, 228.3), (995.8, 998.0), (887.6, 888.8), (120.2, 119.6), (0.3, 0.3),
        (0.3, 0.6), (556.8, 557.6), (339.1, 339.3), (887.2, 888.0), (999.0, 998.5), (779.0, 778.9),
        (11.1, 10.2), (118.3, 117.6), (229.2, 228.9), (669.1, 668.4), (448.9, 449.2), (0.5, 0.2),
    ];

    /// A control of expectation zero turns the estimate into the intercept of the regression line, of which NIST
    /// certifies value and standard deviation, with 34 degrees of freedom.
    #[test]
    fn the_certified_intercept_of_norris() {
        let (controls, values): (Vec<f64>, Vec<f64>) = NORRIS.iter().copied().unzip();
        let intercept = control_variate(&values, &controls, 0.0).unwrap();
        assert!((intercept.mean + 0.262_323_073_774_029).abs() < 1e-10);
        let error = intercept.interval.unwrap().half_width() / t_quantile(34.0);
        assert!((error - 0.232_818_234_301_152).abs() < 1e-10, "{error}");
        assert_eq!(
            (intercept.n, intercept.method.name()),
            (36, "control-variate")
        );
    }

    #[test]
    fn without_spread_in_the_control_there_is_no_regression() {
        assert_eq!(control_variate(&[1.0, 2.0, 4.0], &[3.0; 3], 3.0), None);
        assert_eq!(control_variate(&[1.0, 2.0], &[3.0, 4.0], 3.0), None);
    }
}
