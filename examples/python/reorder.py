"""The shop's nightly job as a Python script, with the OpenTelemetry SDK as its documentation sets it up.

It continues the trace that its environment names (TRACEPARENT), calls the shop with a CLIENT span for each call, and exports
its own spans to OTEL_EXPORTER_OTLP_ENDPOINT. Prints the order on standard output.

    reorder.py SKU --qty 2 --gateway 127.0.0.1:8080 --fault none
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

tracer = trace.get_tracer("reorder")


class Refused(Exception):
    """The shop said no."""


def call(arguments, method, path, body=None):
    """One call of the shop within a CLIENT span, by the HTTP semantic conventions."""
    url = f"http://{arguments.gateway}{path}"
    host, _, port = arguments.gateway.rpartition(":")
    attributes = {
        "http.request.method": method,
        "url.full": url,
        "server.address": host,
        "server.port": int(port),
    }
    with tracer.start_as_current_span(f"{method} {path}", kind=SpanKind.CLIENT, attributes=attributes) as span:
        headers = {"content-type": "application/json", "x-fault": arguments.fault}
        propagate.inject(headers)
        data = None if body is None else json.dumps(body).encode()
        # A proxy of the environment must not get in between.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with opener.open(request, timeout=30) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        span.set_attribute("http.response.status_code", status)
        if status >= 400:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))
            raise Refused(f"the shop answered {status}: {text.decode(errors='replace')}")
        return json.loads(text)


def main():
    parser = argparse.ArgumentParser(description="Orders one thing from the shop.")
    parser.add_argument("sku")
    parser.add_argument("--qty", type=int, default=1)
    parser.add_argument("--gateway", default="127.0.0.1:8080")
    parser.add_argument("--fault", default="none")
    arguments = parser.parse_args()

    provider = TracerProvider(resource=Resource.create({"service.name": "reorder-script", "service.version": "1.0.3"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Carriers of the environment are named like headers, in capitals.
    names = ("traceparent", "tracestate", "baggage")
    carrier = {name: os.environ[name.upper()] for name in names if name.upper() in os.environ}
    try:
        with tracer.start_as_current_span("reorder", context=propagate.extract(carrier)) as span:
            span.set_attribute("shop.product.sku", arguments.sku)
            products = call(arguments, "GET", "/products")["products"]
            if arguments.sku not in (product["sku"] for product in products):
                raise Refused(f"the shop has no `{arguments.sku}`")
            order = {
                "items": [{"sku": arguments.sku, "qty": arguments.qty}],
                "payment": {"method": "invoice", "token": "tok_office"},
            }
            placed = call(arguments, "POST", "/orders", order)
    except Refused as refused:
        sys.exit(f"reorder.py: {refused}")
    finally:
        provider.shutdown()
    json.dump(placed, sys.stdout)


if __name__ == "__main__":
    main()
