"""What the router saw and what decided, so that a decision can be made again; whether a human was offered"""

from alembic import op
import sqlalchemy as sa


revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    op.add_column('conversations', sa.Column('offered', sa.String(length=10), nullable=False, server_default=''))
    op.add_column('turns', sa.Column('signals', sa.JSON(), nullable=False, server_default='{}'))
    op.add_column('turns', sa.Column('policy', sa.String(length=16), nullable=False, server_default=''))
    op.add_column('turns', sa.Column('gate', sa.String(length=16), nullable=False, server_default=''))
