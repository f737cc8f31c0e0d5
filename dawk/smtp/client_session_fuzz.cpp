// Replies of any kind, cut anywhere, with lost connections and streamed content between, must leave
// every recipient settled exactly once, and must never bring out octets of a message before MAIL.
#include <cstdint>
#include <string>

#include "dawk/base/check.hpp"
#include "dawk/smtp/client_session.hpp"

namespace {

using namespace dawk;
using smtp::ClientSession;
using smtp::ClientStep;

constexpr std::string_view content = "Subject: x\r\n\r\n.\r\n..a\r\nend";

envelope::Envelope make_envelope(bool utf8) {
    envelope::Envelope e;
    e.reverse_path = {"from", "example.org"};
    e.smtputf8 = utf8;
    e.trace = "Received: by fuzz\r\n";
    e.envid = "id";
    for (int i = 0; i < 3; ++i) {
        envelope::Recipient r;
        r.address = {"to", i == 0 && utf8 ? "\xC3\xA9.example" : "example.net"};
        r.notify.failure = true;
        e.recipients.push_back(r);
    }
    return e;
}

struct Run {
    ClientSession session;
    envelope::Envelope const& envelope;
    std::string_view input;
    bool streamed;
    std::size_t begun = 0, finished = 0;
    bool eof_of_content = false;

    void begin() {
        smtp::Transaction t;
        t.envelope = &envelope;
        t.recipients = {0, 1, 2};
        t.head = envelope.trace;
        if (!streamed) t.content = content;
        t.content_size = content.size();
        t.tag = begun++;
        session.begin(std::move(t));
    }
    void collect() {
        while (auto result = session.take_result()) {
            DAWK_CHECK(result->tag == finished++);
            for (auto const& r : result->recipients) {
                DAWK_CHECK(r.kind != smtp::RecipientResult::Kind::open);
                DAWK_CHECK(!r.stage.empty());
            }
        }
    }
    bool step() {
        while (begun < 6 && session.can_begin()) begin();
        auto const next = session.next();
        switch (next.want) {
            case ClientStep::Want::write:
                session.on_written();
                return true;
            case ClientStep::Want::read:
                read();
                return true;
            case ClientStep::Want::start_tls:
                session.on_tls(true);
                return true;
            case ClientStep::Want::content:
                session.on_content(eof_of_content ? std::string_view{} : content);
                eof_of_content = !eof_of_content;
                return true;
            case ClientStep::Want::idle:
                if (begun >= 6 || !session.can_begin()) session.quit();
                return true;
            case ClientStep::Want::closed:
                return false;
        }
        return false;
    }
    void read() {
        if (input.empty()) return session.on_lost(ClientSession::Lost::closed, "end of input");
        // The octet 1..31 that is no line end says where the input is cut.
        auto cut = input.find('\x01');
        session.on_bytes(input.substr(0, cut));
        input.remove_prefix(cut == input.npos ? input.size() : cut + 1);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<char const*>(data), size);
    unsigned const flags = input.empty() ? 0U : static_cast<unsigned char>(input.front());
    if (!input.empty()) input.remove_prefix(1);
    smtp::ClientConfig config;
    config.name = "client.example";
    if ((flags & 1U) != 0) config.protocol = smtp::ClientConfig::Protocol::lmtp;
    if ((flags & 2U) != 0)
        config.user = "user", config.password = "pass", config.is_loopback = true;
    if ((flags & 4U) != 0) config.starttls = smtp::ClientConfig::StartTls::required;
    auto const envelope = make_envelope((flags & 8U) != 0);
    Run run{ClientSession(config), envelope, input, (flags & 16U) != 0};
    for (int i = 0; i < 10'000; ++i) {
        bool const more = run.step();
        run.collect();
        if (!more) break;
    }
    if (run.session.next().want == ClientStep::Want::closed) DAWK_CHECK(run.begun == run.finished);
    return 0;
}
