#include "dawk/sim/tap.hpp"

#include <charconv>

#include "dawk/base/ascii.hpp"
#include "dawk/sim/letters.hpp"

namespace dawk::sim {
namespace {

constexpr std::size_t chunk_max = 1U << 30U;

std::string path_in(std::string_view line) {
    auto const open = line.find('<');
    auto const close = line.rfind('>');
    if (open == line.npos || close == line.npos || close < open) return {};
    return ascii::to_lower(line.substr(open + 1, close - open - 1));
}

class TapStream final : public rt::Stream {
  public:
    TapStream(std::unique_ptr<rt::Stream> inner, std::shared_ptr<TapDialogue> dialogue)
        : inner_(std::move(inner)), dialogue_(std::move(dialogue)) {}
    ~TapStream() override {
        if (dialogue_) dialogue_->ended();
    }
    TapStream(TapStream const&) = delete;
    TapStream& operator=(TapStream const&) = delete;

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        auto const n = co_await inner_->read_some(buffer);
        if (n) dialogue_->read(std::string_view(buffer.data(), *n));
        co_return n;
    }
    Task<Result<void>> write_all(std::string_view bytes) override {
        dialogue_->written(bytes);
        return inner_->write_all(bytes);
    }
    Task<Result<void>> write_all(std::span<std::string_view const> pieces) override {
        for (auto const piece : pieces) dialogue_->written(piece);
        return inner_->write_all(pieces);
    }
    void expires_at(SteadyTime deadline) override { inner_->expires_at(deadline); }
    Task<void> shutdown() override { return inner_->shutdown(); }
    void close() noexcept override { inner_->close(); }
    rt::Endpoint local() const override { return inner_->local(); }
    rt::Endpoint remote() const override { return inner_->remote(); }
    rt::TlsFacts const* tls() const noexcept override { return inner_->tls(); }

    std::unique_ptr<rt::Stream> take_inner() { return std::move(inner_); }
    std::shared_ptr<TapDialogue> take_dialogue() { return std::move(dialogue_); }

  private:
    std::unique_ptr<rt::Stream> inner_;
    std::shared_ptr<TapDialogue> dialogue_;
};

}  // namespace

// ---- what the machine says ----------------------------------------------------------------------

void TapDialogue::check_newlines(std::string_view octets) {
    for (char const c : octets) {
        if ((c == '\n') != (last_ == '\r') && (c == '\n' || last_ == '\r'))
            listener_.on_stray_newline();
        last_ = c;
    }
}

void TapDialogue::written(std::string_view octets) {
    check_newlines(octets);
    while (!octets.empty()) {
        if (in_data_ || chunk_left_ > 0) {
            bool const more = take_content(octets);
            if (!more) return;
            continue;
        }
        auto const end = octets.find('\n');
        line_ += octets.substr(0, end == octets.npos ? end : end + 1);
        octets.remove_prefix(end == octets.npos ? octets.size() : end + 1);
        if (end == octets.npos && (line_.empty() || line_.back() != '\n')) return;
        auto const whole = std::move(line_);
        line_.clear();
        command(ascii::trim(whole));
    }
}

// False when all octets are used up.
bool TapDialogue::take_content(std::string_view& octets) {
    if (chunk_left_ > 0) {
        auto const part = octets.substr(0, chunk_left_);
        current_->content += part;
        octets.remove_prefix(part.size());
        chunk_left_ -= part.size();
        if (chunk_left_ == 0 && chunk_is_last_) content_done();
        return !octets.empty();
    }
    auto const from = dotted_.size() < 4 ? 0 : dotted_.size() - 4;
    auto const before = dotted_.size();
    dotted_ += octets;
    std::size_t end = 0;
    if (dotted_.starts_with(".\r\n")) {
        end = 3;
    } else if (auto const dot = dotted_.find("\r\n.\r\n", from); dot != dotted_.npos) {
        end = dot + 5;
    } else {
        return false;
    }
    octets.remove_prefix(end - before);
    in_data_ = false;
    current_->content = dotted_.substr(0, end - 3);
    dotted_.clear();
    content_done();
    return !octets.empty();
}

void TapDialogue::content_done() {
    current_->is_sent = true;
    current_->token = token_of(current_->content);
    waiting_.push_back({Expect::final, current_, 0});
    current_ = nullptr;
}

void TapDialogue::command(std::string_view line) {
    listener_.on_line(true, line);
    if (ascii::istarts_with(line, "LHLO")) is_lmtp_ = true;
    if (ascii::istarts_with(line, "MAIL")) return mail(line);
    if (ascii::istarts_with(line, "RCPT") && current_) return rcpt(line);
    if (ascii::istarts_with(line, "BDAT") && current_) return chunk(line);
    if (ascii::istarts_with(line, "DATA") && current_) {
        waiting_.push_back({Expect::data, current_, 0});
        return;
    }
    bool const is_starttls = ascii::istarts_with(line, "STARTTLS");
    waiting_.push_back({is_starttls ? Expect::starttls : Expect::other, nullptr, 0});
}

void TapDialogue::mail(std::string_view line) {
    current_ = std::make_shared<TappedTransaction>();
    current_->sender = path_in(line);
    waiting_.push_back({Expect::mail, current_, 0});
}

void TapDialogue::rcpt(std::string_view line) {
    auto address = path_in(line);
    if (!is_secure_) listener_.on_plaintext(address);
    waiting_.push_back({Expect::rcpt, current_, current_->recipients.size()});
    current_->recipients.push_back({std::move(address), false});
}

void TapDialogue::chunk(std::string_view line) {
    auto const digits = ascii::trim(line.substr(4));
    std::size_t size = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), size);
    chunk_left_ = std::min(size, chunk_max);
    chunk_is_last_ = ascii::to_lower(line).ends_with("last");
    if (!chunk_is_last_) waiting_.push_back({Expect::chunk, current_, 0});
    if (chunk_left_ == 0 && chunk_is_last_) content_done();
}

// ---- what it reads ------------------------------------------------------------------------------

void TapDialogue::read(std::string_view octets) {
    while (!octets.empty() && parser_.state() == smtp::ReplyParser::State::more) {
        octets.remove_prefix(parser_.feed(octets));
        if (parser_.state() == smtp::ReplyParser::State::complete) reply(parser_.take());
    }
}

void TapDialogue::reply(smtp::Reply const& reply) {
    listener_.on_line(false, reply.one_line());
    if (waiting_.empty()) return;  // a 421 out of the blue
    auto waiting = waiting_.front();
    if (waiting.what == Expect::final) {
        final_reply(waiting, reply);
        return;
    }
    waiting_.pop_front();
    bool const good = reply.is_positive();
    if (waiting.what == Expect::rcpt) {
        waiting.transaction->recipients[waiting.recipient].is_refused = !good;
    } else if (waiting.what == Expect::data && reply.is_intermediate()) {
        in_data_ = true;
        dotted_.clear();
    }
}

// LMTP answers once for each recipient it had accepted (RFC 2033 §4.2).
void TapDialogue::final_reply(Waiting& waiting, smtp::Reply const& reply) {
    auto& transaction = *waiting.transaction;
    auto& recipients = transaction.recipients;
    auto i = is_lmtp_ ? waiting.recipient : 0;
    for (; i < recipients.size(); ++i) {
        if (recipients[i].is_refused) continue;
        if (reply.is_positive()) listener_.on_handed_over(transaction, recipients[i].address);
        if (is_lmtp_) break;
    }
    auto next = i + 1;
    while (next < recipients.size() && recipients[next].is_refused) ++next;
    if (is_lmtp_ && next < recipients.size()) {
        waiting_.front().recipient = next;
        return;
    }
    transaction.is_over = true;
    waiting_.pop_front();
}

void TapDialogue::secured() {
    is_secure_ = true;
    waiting_.clear();
    line_.clear();
    parser_.reset();
    last_ = '\n';
}

void TapDialogue::ended() {
    if (std::exchange(is_over_, true)) return;
    for (auto const& waiting : waiting_) {
        if (waiting.what != Expect::final) continue;
        auto const& recipients = waiting.transaction->recipients;
        for (auto i = is_lmtp_ ? waiting.recipient : 0; i < recipients.size(); ++i)
            if (!recipients[i].is_refused)
                listener_.on_reply_lost(*waiting.transaction, recipients[i].address);
    }
}

// ---- the network --------------------------------------------------------------------------------

Task<Result<std::unique_ptr<rt::Stream>>> TapNetwork::connect(rt::ConnectTarget target) {
    auto inner = co_await inner_.connect(std::move(target));
    if (!inner) co_return inner.error();
    auto dialogue = std::make_shared<TapDialogue>(listener_);
    std::unique_ptr<rt::Stream> tapped =
        std::make_unique<TapStream>(std::move(*inner), std::move(dialogue));
    co_return tapped;
}

Task<rt::ExplainedResult<std::unique_ptr<rt::Stream>>> TapNetwork::tls_connect(
    std::unique_ptr<rt::Stream> plain, rt::TlsClientPolicy policy) {
    auto& tapped = dynamic_cast<TapStream&>(*plain);
    auto dialogue = tapped.take_dialogue();
    auto inner = tapped.take_inner();
    auto secured = co_await inner_.tls_connect(std::move(inner), std::move(policy));
    if (!secured) co_return secured.error();
    dialogue->secured();
    std::unique_ptr<rt::Stream> stream =
        std::make_unique<TapStream>(std::move(*secured), std::move(dialogue));
    co_return stream;
}

}  // namespace dawk::sim
