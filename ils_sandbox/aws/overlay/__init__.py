"""What moto lacks or does wrong, as one table: (service, operation) -> handler. Everything else moto answers.

A handler takes the call and the world, and returns what boto3 shall return for it. It may let moto carry the call out
first (`world.forward`) and put right what comes back.
"""
