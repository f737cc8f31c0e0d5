// Tap: listens to the connections that a machine under test opens, in the clear, between its SMTP
// client and the (simulated) TLS. It follows the dialogue and tells its listener what was handed
// over: not what the machine believes, but what it has read.
//
// Never changes anything that passes. Standards: RFC 5321 §3.3, §4.1.1.4; RFC 2033; RFC 2920;
// RFC 3030.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "dawk/rt/network.hpp"
#include "dawk/smtp/reply.hpp"

namespace dawk::sim {

struct TappedTransaction {
    struct Recipient {
        std::string address;  // as in RCPT, lower case
        bool is_refused = false;
    };
    std::string sender;
    std::vector<Recipient> recipients;
    std::string token;
    std::string content;
    bool is_sent = false;  // to its last octet
    bool is_over = false;
};

class TapListener {
  public:
    virtual ~TapListener() = default;
    // The machine has read a 250 (LMTP: for this recipient) after the whole content.
    virtual void on_handed_over(TappedTransaction const& what, std::string const& recipient) = 0;
    // The whole content was sent, and the connection ended before the machine read the reply.
    virtual void on_reply_lost(TappedTransaction const& what, std::string const& recipient) = 0;
    // RCPT, outside of TLS.
    virtual void on_plaintext(std::string const& recipient) = 0;
    virtual void on_stray_newline() = 0;
    virtual void on_line(bool to_peer, std::string_view line) = 0;
};

// The dialogue of one connection, from both directions.
class TapDialogue {
  public:
    explicit TapDialogue(TapListener& listener) : listener_(listener) {}
    void written(std::string_view octets);
    void read(std::string_view octets);
    void secured();  // TLS from here on
    void ended();

  private:
    enum class Expect { banner, other, starttls, mail, rcpt, data, chunk, final };
    struct Waiting {
        Expect what = Expect::other;
        std::shared_ptr<TappedTransaction> transaction;
        std::size_t recipient = 0;
    };
    void command(std::string_view line);
    void mail(std::string_view line);
    void rcpt(std::string_view line);
    void chunk(std::string_view line);
    void content_done();
    bool take_content(std::string_view& octets);
    void reply(smtp::Reply const& reply);
    void final_reply(Waiting& waiting, smtp::Reply const& reply);
    void check_newlines(std::string_view octets);

    TapListener& listener_;
    std::deque<Waiting> waiting_{Waiting{Expect::banner, nullptr, 0}};
    std::shared_ptr<TappedTransaction> current_;
    smtp::ReplyParser parser_;
    std::string line_;
    std::string dotted_;          // content of DATA as on the wire
    bool in_data_ = false;        // content follows, up to the lone dot
    std::size_t chunk_left_ = 0;  // content of BDAT that is still to come
    bool chunk_is_last_ = false;
    bool is_lmtp_ = false, is_secure_ = false, is_over_ = false;
    char last_ = '\n';
};

// The Network of the machine: what it connects to is tapped.
class TapNetwork final : public rt::Network {
  public:
    TapNetwork(rt::Network& inner, TapListener& listener) : inner_(inner), listener_(listener) {}
    Task<Result<std::unique_ptr<rt::Stream>>> connect(rt::ConnectTarget target) override;
    Result<std::unique_ptr<rt::Listener>> listen(std::string const& address,
                                                 bool reuse_port) override {
        return inner_.listen(address, reuse_port);
    }
    rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> load_identity(
        std::string const& certificate_file, std::string const& key_file) override {
        return inner_.load_identity(certificate_file, key_file);
    }
    Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> tls_accept(
        std::unique_ptr<rt::Stream> plain,
        std::shared_ptr<rt::TlsIdentity const> identity) override {
        return inner_.tls_accept(std::move(plain), std::move(identity));
    }
    Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> tls_connect(
        std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) override;

  private:
    rt::Network& inner_;
    TapListener& listener_;
};

}  // namespace dawk::sim
