-- Counts who moved where between two runs. An account's segment in a run is that of its last move up to it.
-- Inputs: moves, runs; $since, a day, 0 for the run of the day before the newest one's. Grain: one row per segment pair; one row with nulls when
-- nobody had a segment. Output: the two runs' days, the two segments (empty for none), accounts.
with newest as (
    select max_by(run_id, run_id) as run_id, max_by(as_of, run_id) as as_of from main.runs
), earlier as (
    select max_by(runs.run_id, (runs.as_of, runs.run_id)) as run_id, max_by(runs.as_of, (runs.as_of, runs.run_id)) as as_of
    from main.runs, newest
    where runs.run_id < newest.run_id and runs.as_of < newest.as_of
        and ($since::integer = 0 or runs.as_of <= date '1970-01-01' + $since::integer)
    having count(*) > 0
), stood as (
    select account_id,
        coalesce(max_by(segment, moves.run_id) filter (moves.run_id <= earlier.run_id), '') as before,
        coalesce(max_by(segment, moves.run_id) filter (moves.run_id <= newest.run_id), '') as after
    from main.moves, earlier, newest
    group by account_id
), cells as (
    select before, after, count(*) as accounts from stood where before <> '' or after <> '' group by before, after
)
select (earlier.as_of - date '1970-01-01')::integer, (newest.as_of - date '1970-01-01')::integer, before, after, coalesce(accounts, 0)
from earlier cross join newest left join cells on true
order by before, after
