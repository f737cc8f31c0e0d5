// Transaction: one message for some recipients, as a client hands it to a server, and what came of
// it. Beside it the commands it is made of and the check whether this server can take it at all.
//
//     Transaction t;                       // views and the envelope outlive the transaction
//     t.envelope = &envelope;
//     t.recipients = {0, 1};
//     t.head = envelope.trace;
//     t.content = "Subject: hi\r\n\r\nhi\r\n";
//     t.content_size = t.content->size();
//
// Standards: RFC 5321 §4.1.1.2, §4.1.1.3; RFC 1870 §5; RFC 3461 §4; RFC 6152; RFC 6531 §3.4; RFC
// 8689.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/envelope/envelope.hpp"
#include "dawk/smtp/extensions.hpp"
#include "dawk/smtp/reply.hpp"

namespace dawk::smtp {

struct Transaction {
    envelope::Envelope const* envelope = nullptr;
    std::vector<std::uint32_t> recipients;    // indexes into envelope->recipients; never empty
    std::string_view head;                    // goes before the content; whole CRLF lines
    std::optional<std::string_view> content;  // all of it; nothing: asked for piece by piece
    std::uint64_t content_size = 0;           // octets without head
    std::uint64_t tag = 0;                    // the caller's own; given back with the result
    std::optional<envelope::Body> converted;  // what the content is now, when it was converted
    bool header_is_ascii = false;  // of a content that is asked for piece by piece, if it is known

    envelope::Body body() const noexcept { return converted.value_or(envelope->body); }
    std::uint64_t size() const noexcept { return head.size() + content_size; }
};

// What one recipient's part came to. A reply code of 0: found by ourselves, in words.
struct RecipientResult {
    enum class Kind {
        open,       // not settled yet; never seen in a finished result
        accepted,   // the server took responsibility
        transient,  // try again later
        permanent,  // will not work
        again,  // refused only because of their number: a further transaction may follow at once
    };
    Kind kind = Kind::open;
    std::string_view stage;  // as in envelope::Outcome::stage; a literal
    Reply reply;
};

struct TransactionResult {
    std::uint64_t tag = 0;
    std::vector<RecipientResult> recipients;  // parallel to Transaction::recipients
    bool dsn_passed = false;                  // the server took over NOTIFY (RFC 3461 §5.2.1)
    // The connection ended before the server said anything about this transaction: on a connection
    // that had been idle it may be begun again on a fresh one.
    bool untouched = false;
};

struct TransactionPolicy {
    bool send_eight_bit_anyway = false;  // to servers without 8BITMIME
    bool tls_verified = false;           // of this connection
};

// Nothing when the server can take the transaction; else why not. A code of 0: our own finding.
struct Obstacle {
    RecipientResult::Kind kind = RecipientResult::Kind::permanent;
    Reply reply;
};
std::optional<Obstacle> find_obstacle(Transaction const& what, Extensions const& offered,
                                      TransactionPolicy const& policy);

// "MAIL FROM:<a@b> SIZE=20 BODY=8BITMIME" CRLF with the parameters the server offers.
void append_mail(std::string& out, Transaction const& what, Extensions const& offered);
// "RCPT TO:<c@d> NOTIFY=NEVER" CRLF.
void append_rcpt(std::string& out, envelope::Envelope const& envelope, std::uint32_t recipient,
                 Extensions const& offered);

}  // namespace dawk::smtp
