"""Which thread on Slack stands for a conversation at the desk"""

from alembic import op
import sqlalchemy as sa

from bot.store.tables import Moment


revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    op.create_table(
        'slack_threads',
        sa.Column('conversation', sa.String(length=32), sa.ForeignKey('conversations.id', ondelete='CASCADE'), primary_key=True),
        sa.Column('channel', sa.String(length=60), nullable=False),
        sa.Column('ts', sa.String(length=40), nullable=False),
        sa.Column('told_seq', sa.Integer(), nullable=False),
        sa.Column('telling_seq', sa.Integer(), nullable=False),
        sa.Column('shown', sa.String(length=64), nullable=False),
        sa.Column('fence', sa.Integer(), nullable=False),
        sa.Column('began_at', Moment(timezone=True), nullable=False),
    )
    op.create_index('slack_threads_ts', 'slack_threads', ['channel', 'ts'])
