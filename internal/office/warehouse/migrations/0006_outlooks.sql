-- Who moved from one segment to another. Kept from run to run; of an account that is no longer scored nothing is kept.
-- One row per run and account whose segment is another than in the run before.
create table moves (
    run_id         bigint not null,
    account_id     uuid not null,
    segment_before varchar not null,               -- empty: it had none
    segment        varchar not null                -- empty: it has none any more
);

-- How customers stand beyond their scores. Replaced as a whole by every run.
-- One row per account that was scored or has lapsed.
create table outlooks (
    account_id     uuid not null,
    customer_days  integer not null,               -- from the first day with a purchase to the run's day
    visit_days     bigint not null,                -- days with a purchase, ever
    usual_days     integer not null,               -- days that usually lie between two of them: the account's own, else the chain's; at least 7
    since_days     integer not null,               -- days since the last one
    phase          varchar not null,               -- first, second, regular, fading, returned
    leaving        varchar not null,               -- steady, late, leaving, gone
    strategy       varchar,                        -- supporter, friend, acquaintance, passer_by; null unless scored in this window
    groups         bigint not null,                -- product groups bought from in the window
    lever          varchar,                        -- frequency, basket, cross_sell, pamper; null unless scored in this window
    potential_minor bigint                         -- what that lever would bring in a window; null unless scored in this window
);

-- What customers are held against in outlooks.
-- One row per run.
create table outlook_marks (
    run_id         bigint not null,
    usual_days     integer,                        -- median of all days between two visits; null when nobody came twice
    long_days      integer,                        -- from so many days on somebody has been a customer for long: the median
    high_minor     bigint,                         -- from so much on a customer's value is high: the median
    frequency      bigint,                         -- reached by a quarter of the scored: visits or receipts,
    basket_minor   bigint,                         --   money per visit or receipt,
    groups         bigint                          --   product groups
);
