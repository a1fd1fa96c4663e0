"""Roles, the audit log that refuses changes, canned replies, suggestions, satisfaction, API tokens, mentions"""

from alembic import op
import sqlalchemy as sa

from bot.store.tables import Moment


revision = '0005'
down_revision = '0004'

SERIAL = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
REFUSED = 'the audit log is append-only'


def upgrade() -> None:
    _roles()
    op.create_table(
        'audit',
        sa.Column('number', sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column('at', Moment(timezone=True), nullable=False),
        sa.Column('who', sa.String(length=120), nullable=False),
        sa.Column('person', sa.BigInteger()),
        sa.Column('what', sa.String(length=30), nullable=False),
        sa.Column('subject', sa.String(length=300), nullable=False),
        sa.Column('before', sa.Text(), nullable=False),
        sa.Column('after', sa.Text(), nullable=False),
        sa.Column('previous', sa.String(length=64), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False),
    )
    _refuse_changes(op.get_bind().dialect.name)
    op.create_table(
        'canned_replies',
        sa.Column('id', SERIAL, primary_key=True, autoincrement=True),
        sa.Column('title', sa.String(length=80), nullable=False, unique=True),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('changed_at', Moment(timezone=True), nullable=False),
    )
    op.create_table(
        'suggestions',
        sa.Column('id', SERIAL, primary_key=True, autoincrement=True),
        sa.Column('conversation', sa.String(length=32), sa.ForeignKey('conversations.id', ondelete='SET NULL')),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('question', sa.Text(), nullable=False),
        sa.Column('answer', sa.Text(), nullable=False),
        sa.Column('topic', sa.String(length=120), nullable=False),
        sa.Column('audience', sa.String(length=10), nullable=False),
        sa.Column('personal', sa.JSON(), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('suggested_by', sa.String(length=120), nullable=False),
        sa.Column('suggested_at', Moment(timezone=True), nullable=False),
        sa.Column('decided_by', sa.String(length=120), nullable=False),
        sa.Column('decided_at', Moment(timezone=True)),
    )
    op.create_index('suggestions_state', 'suggestions', ['state', 'id'])
    op.create_table(
        'satisfaction',
        sa.Column('conversation', sa.String(length=32), _conversation(), primary_key=True),
        sa.Column('seq', sa.Integer(), nullable=False),
        sa.Column('agent', sa.String(length=120), nullable=False),
        sa.Column('asked_at', Moment(timezone=True), nullable=False),
        sa.Column('score', sa.Integer()),
        sa.Column('comment', sa.Text(), nullable=False),
        sa.Column('answered_at', Moment(timezone=True)),
    )
    op.create_table(
        'api_tokens',
        sa.Column('id', SERIAL, primary_key=True, autoincrement=True),
        sa.Column('name', sa.String(length=80), nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False, unique=True),
        sa.Column('scope', sa.String(length=10), nullable=False),
        sa.Column('issued_by', sa.String(length=120), nullable=False),
        sa.Column('issued_at', Moment(timezone=True), nullable=False),
        sa.Column('used_at', Moment(timezone=True)),
        sa.Column('revoked_at', Moment(timezone=True)),
    )
    op.create_table(
        'mentions',
        sa.Column('person', SERIAL, sa.ForeignKey('people.id', ondelete='CASCADE'), primary_key=True),
        sa.Column('conversation', sa.String(length=32), _conversation(), primary_key=True),
        sa.Column('seq', sa.Integer(), primary_key=True),
        sa.Column('by', sa.String(length=120), nullable=False),
        sa.Column('at', Moment(timezone=True), nullable=False),
        sa.Column('seen_at', Moment(timezone=True)),
    )
    op.create_table(
        'pages_seen',
        sa.Column('conversation', sa.String(length=32), _conversation(), primary_key=True),
        sa.Column('url', sa.String(length=500), nullable=False),
        sa.Column('title', sa.String(length=200), nullable=False),
        sa.Column('at', Moment(timezone=True), nullable=False),
    )
    op.create_table(
        'transcript_mails',
        sa.Column('id', SERIAL, primary_key=True, autoincrement=True),
        sa.Column('conversation', sa.String(length=32), _conversation(), nullable=False),
        sa.Column('at', Moment(timezone=True), nullable=False),
    )
    op.create_index('transcript_mails_conversation', 'transcript_mails', ['conversation', 'at'])


def _conversation() -> sa.ForeignKey:
    return sa.ForeignKey('conversations.id', ondelete='CASCADE')


def _roles() -> None:
    """The first admin becomes the owner."""
    people = sa.table('people', sa.column('id', sa.BigInteger), sa.column('role', sa.String))
    first = sa.select(sa.func.min(people.c.id)).where(people.c.role == 'admin').scalar_subquery()
    op.execute(people.update().where(people.c.id == first).values(role='owner'))


def _refuse_changes(dialect: str) -> None:
    if dialect == 'postgresql':
        op.execute(
            "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        op.execute(
            'CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit '
            'FOR EACH ROW EXECUTE FUNCTION audit_refuse()'
        )
        op.execute(
            'CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()'
        )
        return
    for verb in ('UPDATE', 'DELETE'):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    # INSERT OR REPLACE would delete the row in its place without asking the trigger on DELETE
    op.execute(
        'CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit '
        'WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number) '
        f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )
