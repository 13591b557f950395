// Distributions that the statistics are made of, in double precision.
#pragma once

namespace w2s {

/// Of Student's t; above a million degrees of freedom of the normal distribution.
double t_quantile(double df, double probability);
double normal_quantile(double probability);

/// P(|T| > |t|).
double two_sided_p(double t, double df);

/// The degrees of freedom with which t's two-sided quantile of the level is `critical`: what lies between the
/// normal distribution (infinite) and one degree of freedom.
double df_of_critical(double critical, double level);

/// One-sided bound: the share of right answers below which `right` or more of `n` is as rare as `tail`, half
/// of the observed count's probability left out (mid-p). Both may be fractions. 0 where nothing is right.
double binomial_lower_bound(double right, double n, double tail);

/// The shift, in standard errors, that a two-sided t test finds with this power.
double detectable_shift(double df, double alpha, double power);

}  // namespace w2s
