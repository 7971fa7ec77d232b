package warehouse

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var statements embed.FS

// statement returns the text of a file in sql/. The files are part of the program: a missing one is a mistake in it.
func statement(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// migrate brings the tables up to date: it runs, in the order of their names, the files of migrations/ that have not run yet.
func migrate(ctx context.Context, tx *Tx) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if _, err := tx.Exec(ctx, "create table if not exists migrations (version integer not null, name varchar not null)"); err != nil {
		return fmt.Errorf("make the table of migrations: %w", err)
	}
	var done int
	if err := tx.One(ctx, "select coalesce(max(version), 0) from migrations", nil, &done); err != nil {
		return fmt.Errorf("read the version: %w", err)
	}
	if done > len(names) {
		return fmt.Errorf("%w: it stands at version %d, this program knows %d: use the newer program", ErrNewer, done, len(names))
	}
	for i, name := range names[done:] {
		if err := migrateOne(ctx, tx, done+i+1, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// migrateOne runs one file and notes that it ran.
func migrateOne(ctx context.Context, tx *Tx, version int, name string) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, string(text)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "insert into migrations values ($version, $name)", Arg("version", version), Arg("name", name))
	return err
}
