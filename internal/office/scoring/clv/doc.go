// Package clv says what a customer may be worth in the coming year: whether she still buys here at all, how often she will come, when
// she will next come, and what she will spend.
//
// Two published models do the reckoning, both fitted by maximum likelihood to the chain's own customers:
//
//   - how often, and for how long: BG/NBD (P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way: An
//     Alternative to the Pareto/NBD Model, Marketing Science 24(2), 2005). While alive, a customer buys at random at a rate of her own;
//     the rates of all customers follow a gamma distribution with shape r and rate alpha. After each repeat purchase she leaves for good
//     with a probability of her own; these follow a beta distribution with parameters a and b.
//   - how much: Gamma-Gamma (P. S. Fader, B. G. S. Hardie, The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025, 2013).
//     What a customer spends varies around a mean of her own, and the means vary between customers. It takes for granted that how much
//     and how often are unrelated; SpendReport.Correlation says how true that is.
//
// # Units
//
// The models reckon in [Weeks]; whatever goes in or out as a count of days says so in its name. Money is in minor units of the chain's
// currency. Probabilities are fractions from 0 to 1 until [Bands] turns them into published integers.
//
// A customer's history is the literature's (x, t_x, T): purchase days after the first one, time from the first purchase to the last, and
// time from the first purchase to the day the model looks back from. Several purchases on one day are one. One-time customers, x = 0,
// belong into the fit: they are what tells how many never return.
//
// # Promises
//
// No function returns NaN or an infinity, whatever it is given; what lies outside a function's domain is drawn to its edge, as the
// function says. Fits are deterministic: the same rows in any order give the same parameters on the same kind of processor. A fit that
// cannot be trusted says so in [Report.Verdict], in words in [Report.Statement], and comes with a plain stand-in model instead of wild
// parameters.
//
// The package keeps nothing, reads no clock, and knows no database. A fit runs on the caller's goroutine and on one that ends with it.
package clv
