-- What the models foretell. Replaced as a whole by every run.
-- One row per account that was scored or has lapsed.
create table predictions (
    account_id           uuid not null,
    repeats              integer not null,         -- days with a purchase after the first one, ever
    recency_days         integer not null,         -- from the first to the last of them
    age_days             integer not null,         -- from the first to the run's day
    alive_millionths     bigint not null,          -- that the customer still buys here
    visits_thousandths   bigint not null,          -- expected in twelve months
    next_visit_days      integer not null,         -- median, of a customer who still buys here
    mean_spend_minor     bigint not null,          -- what a visit is worth
    value_minor          bigint not null,          -- turnover expected in twelve months
    profit_minor         bigint,                   -- profit expected; null where the article list knows neither cost nor margin
    alive_percent_band   integer,                  -- what of it is published: the lower ends of bands; null where the model may not be
    visits_band          bigint,
    next_visit_band      integer,
    value_band           bigint,
    profit_band          bigint
);

-- The models of each run.
-- One row per run and model.
create table run_models (
    run_id         bigint not null,
    model          varchar not null,               -- visits, spend; calibration: visits, fitted to the first part of the receipts
    until          date not null,                  -- the last day it was fitted to
    verdict        varchar not null,               -- how the fit ended
    statement      varchar not null,               -- the same in a sentence
    usable         boolean not null,               -- may be published
    customers      bigint not null,
    repeat_buyers  bigint not null,
    log_likelihood double not null,
    parameters     varchar[] not null,             -- their names
    estimates      double[] not null,
    errors         double[] not null               -- standard errors
);

-- How well the first part of the receipts foretold the rest.
-- One row per run and number of repeat purchases in the first part.
create table run_calibration (
    run_id               bigint not null,
    repeats              integer not null,
    or_more              boolean not null,         -- customers with more are in it too
    customers            bigint not null,
    actual               bigint not null,          -- days with a purchase in the rest
    predicted_thousandths bigint not null,
    horizon_days         integer not null          -- length of the rest
);
