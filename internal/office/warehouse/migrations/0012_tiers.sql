-- Which tier an account's purchases keep it in. Replaced as a whole by every run.
-- One row per account with a counted receipt that still counts, or whose tier is still kept.
create table tiers (
    account_id   uuid not null,
    tier         varchar,                          -- the highest that spend, visits or segment keep, grace included; null for none of them
    until_day    date,                             -- the last day of it if nothing more is bought; null where no day ends it
    counts_until date                              -- the last day on which all that counts towards tiers as of the run still does; null when nothing does
);
