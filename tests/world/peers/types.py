# Reads content types by email.message: values come in, outcomes go out.
import email.message
import json
import sys


def read(value):
    message = email.message.Message()
    message["Content-Type"] = value
    return f"{message.get_content_type()} {message.get_content_charset() or ''}"


print(json.dumps([read(value) for value in json.load(sys.stdin)]))
