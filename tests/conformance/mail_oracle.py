#!/usr/bin/env python3
"""What an independent reader (Python's email package) finds in the messages of the test data.

Writes one line per message: path, structure with a CRC-32 of each decoded body, CRC-32 of the addresses of
From and To, seconds of Date. dawk/mail/mail_conformance_test.cpp compares; its list of exceptions says who is right.

    tests/conformance/mail_oracle.py TESTDATA > tests/conformance/mail.tsv
"""
import email
import email.utils
import os
import sys
import zlib

SUITES = ('mime-enmime', 'mime-mimekit/messages', 'mime-mimekit/partial', 'mime-nodemailer-mailparser',
          'mime-python-email/data', 'mime-ruby-mail', 'eai-arnt', 'bounce-flufl')


def messages(root):
    for suite in SUITES:
        for folder, _, names in os.walk(os.path.join(root, suite)):
            for name in names:
                if name in ('SOURCE.txt', 'README.md'):
                    continue
                if name.endswith(('.raw', '.eml', '.txt')) or suite == 'eai-arnt':
                    yield os.path.join(folder, name)


def body(part):
    octets = part.get_payload(decode=True)
    if octets is None:  # the package does not give the octets of this type
        return '-'
    octets = octets.replace(b'\r\n', b'\n').rstrip(b'\n')
    return '%08x' % zlib.crc32(octets)


def walk(part, depth, out):
    enclosed = part.get_content_type() in ('message/rfc822', 'message/global')
    if part.is_multipart() and (enclosed or part.get_content_maintype() == 'multipart'):
        out.append('%d %s' % (depth, part.get_content_type()))
        for child in part.get_payload():
            walk(child, depth + 1, out)
    elif part.is_multipart():
        out.append('%d %s:-' % (depth, part.get_content_type()))
    elif part.get_content_maintype() == 'multipart' and body(part) == '00000000':
        out.append('%d %s' % (depth, part.get_content_type()))
    else:
        out.append('%d %s:%s' % (depth, part.get_content_type(), body(part)))


def text(field):
    return str(field).encode('ascii', 'surrogateescape').decode('utf-8', 'replace')


def raw(message, name):
    for key, value in message.raw_items():
        if key.lower() == name:
            return text(value)
    return ''


def addresses(message, name):
    try:
        found = ' '.join(a for _, a in email.utils.getaddresses([raw(message, name)]) if a).lower()
    except RecursionError:
        return '-'
    return '%08x' % zlib.crc32(found.encode())


def date(message):
    parsed = email.utils.parsedate_tz(raw(message, 'date'))
    return str(email.utils.mktime_tz(parsed)) if parsed else ''


def main():
    root = sys.argv[1]
    for path in sorted(messages(root)):
        octets = open(path, 'rb').read()
        if octets.startswith(b'From '):  # the line of an mbox
            octets = octets.split(b'\n', 1)[1]
        message = email.message_from_bytes(octets)
        parts = []
        walk(message, 0, parts)
        columns = (os.path.relpath(path, root), '; '.join(parts), addresses(message, 'from'),
                   addresses(message, 'to'), date(message))
        print('\t'.join(c.replace('\t', ' ').replace('\n', ' ') for c in columns))


main()
