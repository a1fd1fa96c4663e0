"""What the large model may use and has used, and what it came to in a turn"""

from alembic import op
import sqlalchemy as sa

from bot.store.tables import Moment


revision = '0007'
down_revision = '0006'

SERIAL = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'model_budgets',
        sa.Column('scope', sa.String(length=80), primary_key=True),
        sa.Column('tokens', sa.BigInteger(), nullable=False),
    )
    op.create_table(
        'model_calls',
        sa.Column('id', SERIAL, primary_key=True, autoincrement=True),
        sa.Column('conversation', sa.String(length=32), nullable=False),
        sa.Column('day', sa.String(length=10), nullable=False),
        sa.Column('purpose', sa.String(length=10), nullable=False),
        sa.Column('reserved', sa.BigInteger(), nullable=False),
        sa.Column('read_tokens', sa.BigInteger(), nullable=False),
        sa.Column('written_tokens', sa.BigInteger(), nullable=False),
        sa.Column('micros', sa.BigInteger(), nullable=False),
        sa.Column('outcome', sa.String(length=40), nullable=False),
        sa.Column('took_ms', sa.Float(), nullable=False),
        sa.Column('at', Moment(timezone=True), nullable=False),
    )
    op.create_index('model_calls_day', 'model_calls', ['day', 'outcome'])
    op.add_column('turns', sa.Column('large_model', sa.Text(), nullable=False, server_default=''))
