-- Keeps the traits a list of customers tells. What a column is empty for is forgotten; traits the mapping does not name stay.
-- Inputs: parsed (traits, a list of {name, word, yes, number}), resolved. Changes: traits.
create temp table told as
select account_id, trait
from (
    select resolved.account_id, resolved.row, unnest(parsed.traits) as trait
    from temp.main.resolved join temp.main.parsed on parsed.rowid = resolved.row
)
qualify row_number() over (partition by account_id, trait.name order by row) = 1;
delete from main.traits
where account_id in (select account_id from temp.main.told) and name in (select trait.name from temp.main.told);
insert into main.traits
select account_id, trait.name, trait.word, trait.yes, trait.number from temp.main.told where trait.word is not null;
drop table temp.main.told
