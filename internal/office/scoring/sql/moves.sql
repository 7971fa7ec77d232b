-- Notes whose segment is another than in the run before.
-- Inputs: placed, scores of the run before, $run. Grain: one row per such account. Changes: moves.
insert into main.moves
select $run, coalesce(placed.account_id, scores.account_id), coalesce(scores.segment, ''), coalesce(placed.counts, '')
from temp.main.placed full outer join main.scores on scores.account_id = placed.account_id
where placed.counts is distinct from scores.segment and placed.standing is distinct from 'left_out'
