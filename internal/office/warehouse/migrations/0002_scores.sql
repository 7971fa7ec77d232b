-- What scoring measured, and what came of it. Replaced as a whole by every run.
-- One row per account with a counted receipt, and per customer whom a list calls left out.
create table scores (
    account_id       uuid not null,
    standing         varchar not null,             -- scored; lapsed: receipts, but none in the window; left_out: see why
    why              varchar,                      -- objected, minor, group, no_consent, no_basis; null unless left out
    first_receipt    date,                         -- ever
    last_receipt     date,                         -- up to the run's day
    recency_days     integer,                      -- from the last receipt to the run's day
    frequency        bigint not null,              -- visits or receipts in the window
    monetary_minor   bigint not null,              -- money in the window, minor units
    visits           bigint not null,              -- visits in the window, for tiers
    spend_minor      bigint not null,              -- net money in the window, for tiers
    r                integer,                      -- 1 to the programme's number of scores; null unless scored
    f                integer,
    m                integer,
    segment          varchar,                      -- null unless scored or lapsed
    previous_segment varchar,                      -- the one before; null when there was none
    changed          date                          -- when it became the present one
);

-- Every scoring run.
-- One row per run.
create table runs (
    run_id        bigint not null,
    as_of         date not null,
    first_day     date not null,                   -- of the window
    ran_at        timestamp not null,              -- UTC
    source        varchar not null,                -- receipts, imported
    settings      varchar not null,                -- the programme's scoring, as JSON
    scores        integer not null,                -- per dimension
    scored        bigint not null,
    lapsed        bigint not null,
    left_out      bigint not null,
    recency_cuts  bigint[] not null,
    frequency_cuts bigint[] not null,
    monetary_cuts bigint[] not null
);

-- What each run found per segment.
-- One row per run and segment with at least one account.
create table run_segments (
    run_id         bigint not null,
    segment        varchar not null,
    accounts       bigint not null,
    recency_days   bigint not null,                -- sums over its accounts
    frequency      bigint not null,
    monetary_minor hugeint not null
);
