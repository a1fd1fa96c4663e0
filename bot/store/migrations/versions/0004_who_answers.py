"""Who answers a conversation: fence, team, priority, snooze, the first-answer clock, and what agents can carry"""

from alembic import op
import sqlalchemy as sa

from bot.store.tables import Moment


revision = '0004'
down_revision = '0003'

MOMENTS = ('held_since', 'closed_at', 'snoozed_until', 'clock_from', 'warn_at', 'due_at', 'first_answer_at')


def upgrade() -> None:
    op.add_column('conversations', sa.Column('fence', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('conversations', sa.Column('priority', sa.Integer(), nullable=False, server_default='2'))
    op.add_column('conversations', sa.Column('team', sa.String(length=60), nullable=False, server_default=''))
    op.add_column('conversations', sa.Column('last_agent', sa.String(length=120), nullable=False, server_default=''))
    for name in MOMENTS:
        op.add_column('conversations', sa.Column(name, Moment(timezone=True)))
    op.create_table(
        'agents',
        sa.Column('name', sa.String(length=120), primary_key=True),
        sa.Column('teams', sa.JSON(), nullable=False),
        sa.Column('capacity', sa.Integer()),
        sa.Column('assigned_at', Moment(timezone=True)),
    )
