-- Facts about customers that come from elsewhere. Which of them the text is, the programme's declaration says.
-- One row per account and trait that a list told.
create table traits (
    account_id uuid not null,
    name       varchar not null,                   -- as the mapping calls it, and the programme declares it
    word       varchar not null,                   -- the text of the list
    yes        boolean,                            -- the same as yes or no; null when it is neither
    number     bigint                              -- the same as a whole number; null when it is none
);
