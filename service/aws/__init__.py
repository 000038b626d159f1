"""What every adapter on AWS shares: clients, their limits, and what their errors mean."""
