"""Which files go with which message"""

from alembic import op
import sqlalchemy as sa

from bot.store.tables import Moment


revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    op.add_column('messages', sa.Column('attachments', sa.JSON(), nullable=False, server_default='[]'))
    op.create_table(
        'attachments',
        sa.Column('id', sa.String(length=32), primary_key=True),
        sa.Column('conversation', sa.String(length=32), sa.ForeignKey('conversations.id', ondelete='CASCADE'), nullable=False),
        sa.Column('key', sa.String(length=36), nullable=False),
        sa.Column('participant', sa.String(length=10), nullable=False),
        sa.Column('author', sa.String(length=120), nullable=False),
        sa.Column('seq', sa.Integer()),
        sa.Column('name', sa.String(length=200), nullable=False),
        sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('sha256', sa.String(length=64), nullable=False),
        sa.Column('at', Moment(timezone=True), nullable=False),
        sa.UniqueConstraint('conversation', 'participant', 'author', 'key'),
    )
    op.create_index('attachments_unsent', 'attachments', ['seq', 'at'])
