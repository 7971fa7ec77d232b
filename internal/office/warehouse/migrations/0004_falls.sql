-- A fall that is held back, and what a second run as of the same day starts from.
alter table scores add column falling_to varchar;          -- what the scores make, while a fall to it is held back; null when none is
alter table scores add column falling_since date;          -- the first day as of which that or another fall was due
alter table scores add column held_until date;             -- the last day on which the fall is held back
alter table scores add column run_day date;                -- as of which day these scores are
alter table scores add column before_segment varchar;      -- the same account as of the day before that
alter table scores add column before_previous varchar;
alter table scores add column before_changed date;
alter table scores add column before_falling_since date;

-- The lowest and the highest value that counted, where the ends were drawn in; empty where they were not.
alter table runs add column recency_bounds bigint[];
alter table runs add column frequency_bounds bigint[];
alter table runs add column monetary_bounds bigint[];
