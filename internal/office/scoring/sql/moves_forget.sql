-- Forgets how accounts moved that are no longer scored.
-- Inputs: placed. Changes: moves.
delete from main.moves
where account_id in (select account_id from temp.main.placed where standing = 'left_out')
