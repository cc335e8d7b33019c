"""An emulator of what AWS puts around a function behind a WebSocket API of API Gateway.

It stands in for API Gateway (the sockets and `@connections`), Lambda (the Runtime API and the
environments), DynamoDB (moto's, behind a proxy) and an SQS queue with delays, on loopback alone.
What a function sees of them is what AWS documents; what goes wrong, and when, is a test's to say:
`faults.Rule` and `settings.Settings`. All chance comes from a seed, and the emulator's own clock
can be set forward.

By itself: `python -m support.gateway --help`, in Tests/EndToEnd. In tests: `rig.Gateway`.
"""
