-- Finds the run as of an earlier day before a run, and who is new since.
-- Inputs: runs, scores, $run, $as_of. Grain: one row; none when there was no such run. Output: its day as days since 1970-01-01, customers whose
-- first receipt is younger.
select (before.as_of - date '1970-01-01')::integer, (select count(*) from main.scores where standing = 'scored' and first_receipt > before.as_of)
from (
    select as_of
    from main.runs
    where run_id < $run and as_of < date '1970-01-01' + $as_of::integer and source = 'receipts'
    order by run_id desc
    limit 1
) as before
