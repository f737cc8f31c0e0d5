#include "dawk/smtp/transaction.hpp"

#include <algorithm>
#include <charconv>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"
#include "dawk/smtp/dot_stuffer.hpp"
#include "dawk/smtp/xtext.hpp"

namespace dawk::smtp {
namespace {

using envelope::Body;
using envelope::Envelope;

void append_number(std::string& out, std::uint64_t value) {
    char digits[24];
    auto const end = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end.ptr);
}

// The path as this server can read it: without SMTPUTF8 the domain goes as A-labels. Nothing when
// the local part cannot be said in ASCII.
std::optional<std::string> path_for(mail::Address const& address, Extensions const& offered) {
    if (offered.smtputf8 || address.is_ascii()) return address.text();
    if (!ascii::is_ascii(address.local)) return std::nullopt;
    auto domain = mail::to_a_labels(address.domain);
    if (!domain) return std::nullopt;
    return mail::Address{address.local, *domain}.text();
}

std::string_view header_of(std::string_view content) noexcept {
    return content.substr(0, content.find("\r\n\r\n"));
}

bool holds_eight_bit(Transaction const& what) noexcept {
    // A large content is not read twice: what was declared counts.
    if (!what.content) return what.body() != Body::seven_bit;
    return has_eight_bit(*what.content) || has_eight_bit(what.head);
}

Obstacle never(std::string status, std::string text) {
    return {RecipientResult::Kind::permanent, Reply{0, std::move(status), std::move(text)}};
}

std::optional<Obstacle> find_utf8_obstacle(Transaction const& what, Extensions const& offered) {
    if (offered.smtputf8) return std::nullopt;
    auto const fits = [&](mail::Address const& address) {
        return address.is_ascii() || path_for(address, offered).has_value();
    };
    bool addresses_fit = fits(what.envelope->reverse_path);
    for (auto const i : what.recipients) {
        addresses_fit = addresses_fit && fits(what.envelope->recipients[i].address);
    }
    // RFC 6531 §3.3: only with SMTPUTF8 may addresses or header fields be other than ASCII.
    if (!addresses_fit)
        return never("5.6.7", "an address is not ASCII and the host lacks SMTPUTF8");
    if (!what.envelope->smtputf8) return std::nullopt;
    bool const header_is_ascii =
        what.content ? ascii::is_ascii(header_of(*what.content)) : what.header_is_ascii;
    if (header_is_ascii && ascii::is_ascii(what.head)) return std::nullopt;
    return never("5.6.7", "the header is not ASCII and the host lacks SMTPUTF8");
}

}  // namespace

std::optional<Obstacle> find_obstacle(Transaction const& what, Extensions const& offered,
                                      TransactionPolicy const& policy) {
    auto const& envelope = *what.envelope;
    if (offered.size_max != 0 && what.size() > offered.size_max) {
        // RFC 1870 §5: it must not be tried.
        return never("5.3.4", "the message has " + std::to_string(what.size()) +
                                  " octets, the host takes " + std::to_string(offered.size_max));
    }
    if (envelope.require_tls && !policy.tls_verified) {
        return never("5.7.10", "REQUIRETLS: the connection has no verified TLS");
    }
    if (envelope.require_tls && !offered.require_tls) {
        return never("5.7.30", "the host lacks REQUIRETLS");  // RFC 8689 §5
    }
    if (what.body() == Body::binary && !(offered.chunking && offered.binary_mime)) {
        return never("5.6.3", "the message is binary and the host lacks BINARYMIME");
    }
    if (auto obstacle = find_utf8_obstacle(what, offered)) return obstacle;
    // RFC 6152 §3: convert or give up; who can convert has done so before.
    if (!offered.eight_bit_mime && !policy.send_eight_bit_anyway && holds_eight_bit(what)) {
        return never("5.6.3", "the message has 8-bit octets and the host lacks 8BITMIME");
    }
    if (what.content && what.body() != Body::binary &&
        (has_bare_line_end(*what.content) || has_bare_line_end(what.head))) {
        return never("5.6.0", "the message has a CR or LF alone");  // RFC 5321 §2.3.8
    }
    return std::nullopt;
}

void append_mail(std::string& out, Transaction const& what, Extensions const& offered) {
    auto const& envelope = *what.envelope;
    out += "MAIL FROM:<";
    out += path_for(envelope.reverse_path, offered).value_or("");
    out += '>';
    if (offered.size) {
        out += " SIZE=";
        append_number(out, what.size());
    }
    if (what.body() == Body::eight_bit && offered.eight_bit_mime) out += " BODY=8BITMIME";
    if (what.body() == Body::binary) out += " BODY=BINARYMIME";
    if (envelope.smtputf8 && offered.smtputf8) out += " SMTPUTF8";
    if (envelope.require_tls) out += " REQUIRETLS";
    if (offered.dsn) {
        if (envelope.ret == envelope::Ret::full) out += " RET=FULL";
        if (envelope.ret == envelope::Ret::headers) out += " RET=HDRS";
        if (!envelope.envid.empty()) {
            out += " ENVID=";
            out += xtext_encode(envelope.envid);
        }
    }
    out += "\r\n";
}

namespace {

void append_notify(std::string& out, envelope::Notify const& notify) {
    if (notify.is_unset()) return;  // RFC 3461 §5.2.1: what was absent stays absent
    out += " NOTIFY=";
    if (notify.never) {
        out += "NEVER";
        return;
    }
    std::string_view comma;
    auto const add = [&](bool wanted, std::string_view word) {
        if (!wanted) return;
        out += comma;
        out += word;
        comma = ",";
    };
    add(notify.success, "SUCCESS");
    add(notify.failure, "FAILURE");
    add(notify.delay, "DELAY");
}

}  // namespace

void append_rcpt(std::string& out, Envelope const& envelope, std::uint32_t recipient,
                 Extensions const& offered) {
    auto const& to = envelope.recipients[recipient];
    out += "RCPT TO:<";
    out += path_for(to.address, offered).value_or("");
    out += '>';
    if (offered.dsn) {
        append_notify(out, to.notify);
        if (!to.orcpt.empty()) {
            auto const colon = std::min(to.orcpt.find(';'), to.orcpt.size() - 1);
            out += " ORCPT=";
            out.append(to.orcpt, 0, colon + 1);  // the address type is an atom, not xtext
            out += xtext_encode(std::string_view(to.orcpt).substr(colon + 1));
        }
    }
    out += "\r\n";
}

}  // namespace dawk::smtp
