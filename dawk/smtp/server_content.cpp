// DATA and BDAT of ServerSession.
#include <algorithm>

#include "dawk/base/check.hpp"
#include "dawk/smtp/server_session.hpp"

namespace dawk::smtp {

namespace {
// How much more than the limit is read to the end, for the sake of an orderly 552, before we hang
// up.
constexpr std::uint64_t overrun_max = 64ULL << 20U;
}  // namespace

void ServerSession::on_data(Argument argument) {
    if (!may_go_on()) return;
    if (!argument.empty()) return error(501, "5.5.4", "DATA takes no argument");
    if (phase_ == Phase::ready) return error(503, "5.5.1", "MAIL first");
    if (phase_ == Phase::mail) return error(503, "5.5.1", "No valid recipients");
    if (phase_ == Phase::chunks) return error(503, "5.5.1", "BDAT has begun");  // RFC 3030 §2
    if (more_follows_ && config_.strict_pipelining) {
        // RFC 2920 §3.1: DATA ends a group. Content before 354 comes from one who guesses our
        // replies.
        return hang_up(554, "5.5.0", "Wait for 354");
    }
    want_ = Want::content_open;
}

// RFC 3030 §2. The octets of a chunk follow the command whatever we think of it, so a refused chunk
// is read and thrown away; where we cannot know its size, the connection has no future.
void ServerSession::on_bdat(Argument argument) {
    if (!config_.chunking || !extended_)
        return hang_up(502, "5.5.1", "BDAT was not offered to you");
    BdatCommand command;
    if (auto refusal = parse_bdat(argument, command)) {
        return hang_up(refusal->code, refusal->status, refusal->text);
    }
    chunk_left_ = chunk_size_ = command.size;
    chunk_last_ = command.last;
    Phase const before = phase_;
    phase_ = Phase::chunk;
    std::uint64_t const limit = config_.limits.message_size_bytes;
    if (before != Phase::rcpt && before != Phase::chunks) {
        bool const tls_missing = config_.require_tls && !tls_;
        if (tls_missing)
            fail(530, "5.7.0", "Must issue a STARTTLS command first");
        else
            fail(503, "5.5.1", before == Phase::mail ? "No valid recipients" : "MAIL first");
        ++errors_;
    }
    if (limit > 0 && chunk_left_ > limit && chunk_left_ - limit > overrun_max) {
        fail(552, "5.3.4", "Message size exceeds our maximum");
        close_after_content_ = true;
        return finish_refused_content();
    }
    if (before == Phase::rcpt) {
        want_ = Want::content_open;
    } else if (chunk_left_ == 0) {
        end_chunk();
    }
}

void ServerSession::begin_content() {
    content_open_ = true;
    content_at_end_ = false;
    content_size_ = 0;
    failure_ = content_refusal_ = Reply{};
    if (phase_ == Phase::chunk) {
        chunk_lines_ = LineEndCheck{};
        if (chunk_left_ == 0) end_chunk();
        return;
    }
    reader_.reset();
    phase_ = Phase::data;
    reply(354, "", "End data with <CR><LF>.<CR><LF>");
}

// Remembers why this content will be refused; the first reason stays.
void ServerSession::fail(unsigned code, std::string_view status, std::string_view text) {
    if (failure_.code != 0) return;
    failure_.code = static_cast<std::uint16_t>(code);
    failure_.status = status;
    failure_.text = text;
}

// Comes before every other reason, wherever in the content it was: the reply must not depend on how
// the octets were cut.
void ServerSession::fail_line_end() {
    failure_ = Reply{550, "5.5.2", "Line ends must be CRLF"};
}

// Counts text and says whether the driver shall have it. RFC 1870 §6.3: the size is that of the
// message as unstuffed, without the final dot.
bool ServerSession::count_content(std::string_view text) {
    if (!content_open_) return false;  // a chunk that was refused before it began
    content_size_ += text.size();
    std::uint64_t const limit = config_.limits.message_size_bytes;
    if (limit > 0 && content_size_ > limit && failure_.code < 500) {
        failure_ = Reply{552, "5.3.4", "Message size exceeds our maximum"};
    }
    if (failure_.code == 0) {
        content_ = text;
        want_ = Want::content;
        return true;
    }
    if (limit > 0 && content_size_ > limit && content_size_ - limit > overrun_max) {
        close_after_content_ = true;
        finish_refused_content();
    }
    return false;
}

std::size_t ServerSession::feed_data(std::string_view input) {
    std::size_t used = 0;
    while (want_ == Want::none && used < input.size()) {
        DataReader::Piece const piece = reader_.next(input.substr(used));
        used += piece.used;
        if (reader_.has_bare_line_end()) {
            fail_line_end();
            close_after_content_ = true;
        }
        if (piece.end) {
            end_data();
            break;
        }
        if (!piece.text.empty()) count_content(piece.text);
    }
    return used;
}

void ServerSession::end_data() {
    if (failure_.code != 0) return finish_refused_content();
    want_ = Want::content_close;
}

std::size_t ServerSession::feed_chunk(std::string_view input) {
    DAWK_CHECK(chunk_left_ > 0);
    std::string_view const text = input.substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size())));
    chunk_left_ -= text.size();
    // What goes out again by DATA must have whole lines; the size of a chunk leaves no doubt about
    // where the message ends, so that this need not cost the connection.
    chunk_lines_.feed(text);
    if (content_open_ && chunk_lines_.has_bare_line_end()) fail_line_end();
    bool const taken = count_content(text);
    if (chunk_left_ > 0 || want_ == Want::close || want_ == Want::content_drop) return text.size();
    if (taken) {
        content_at_end_ = true;
    } else {
        end_chunk();
    }
    return text.size();
}

void ServerSession::end_chunk() {
    content_at_end_ = false;
    if (content_open_ && chunk_last_ && chunk_lines_.ends_with_cr()) fail_line_end();
    if (failure_.code != 0) return finish_refused_content();
    if (!chunk_last_) {
        phase_ = Phase::chunks;
        return reply(250, "2.0.0", std::to_string(chunk_size_) + " octets received");
    }
    if (!chunk_lines_.at_line_start()) {
        chunk_lines_ =
            LineEndCheck{};  // the last line gets the CRLF that DATA would have forced on it
        content_ = "\r\n";
        content_size_ += content_.size();
        content_at_end_ = true;
        want_ = Want::content;
        return;
    }
    want_ = Want::content_close;
}

// RFC 3030 §2, RFC 5321 §4.1.1.4: a refused content ends the transaction.
void ServerSession::finish_refused_content() {
    reply(failure_.code, failure_.status, failure_.text);
    content_refusal_ = failure_;
    end_transaction();
    if (want_ == Want::none && close_after_content_) want_ = Want::close;
    if (want_ == Want::none && errors_ >= config_.limits.errors) {
        hang_up(421, "4.7.0", "Too many errors");
    }
}

void ServerSession::resume() {
    DAWK_CHECK(want_ == Want::content || want_ == Want::content_drop);
    bool const dropped = want_ == Want::content_drop;
    want_ = dropped && close_after_content_ ? Want::close : Want::none;
    content_ = {};
    if (!dropped && content_at_end_) end_chunk();
}

void ServerSession::fail_content(std::uint16_t code, std::string_view status,
                                 std::string_view text) {
    DAWK_CHECK(want_ == Want::content);
    fail(code, status, text);
    resume();
}

}  // namespace dawk::smtp
