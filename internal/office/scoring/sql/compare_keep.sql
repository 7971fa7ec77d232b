-- Keeps what one programme makes of customers, to hold another's beside it.
-- Inputs: placed. Grain: one row per account. Output: standing_now.
create temp table standing_now as
select account_id, coalesce(counts, '') as segment from temp.main.placed;
drop table temp.main.placed
