#include "dawk/envelope/codec.hpp"

#include <algorithm>
#include <array>

#include "dawk/base/ascii.hpp"
#include "dawk/base/crc32c.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/envelope/record.pb.h"

namespace dawk::envelope {
namespace {

using Limits = CodecLimits;

// The numbers in old records never change; whoever adds an enumerator adds it at the end.
static_assert(static_cast<int>(Body::binary) == 2 && static_cast<int>(Ret::headers) == 2);
static_assert(static_cast<int>(Outcome::Kind::failed) == 2);
static_assert(static_cast<int>(State::waiting) == 0 && static_cast<int>(State::delivered) == 2 &&
              static_cast<int>(State::failed) == 4 && static_cast<int>(State::removed) == 6);
static_assert(static_cast<int>(Event::Kind::received) == 0 &&
              static_cast<int>(Event::Kind::expired) == 6 &&
              static_cast<int>(Event::Kind::dsn_made) == 8 &&
              static_cast<int>(Event::Kind::removed) == 11 &&
              static_cast<int>(Event::Kind::rerouted) == 13 &&
              static_cast<int>(Event::Kind::session_error) == 16 &&
              static_cast<int>(Event::Kind::spool_trouble) == 17);

void put_u32(std::string& out, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
}

std::uint32_t get_u32(std::string_view in, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(in[at + i])) << (8 * i);
    }
    return value;
}

std::uint32_t checksum(std::string_view record) {
    return crc32c(record.substr(6), crc32c(record.substr(0, 2)));
}

// Fills the frame at `begin`, in front of a payload that ends the record.
void seal_in_place(char kind, std::string& record, std::size_t begin) {
    record[begin] = kind;
    record[begin + 1] = mutated(Mutation::wrong_record_version) && kind == envelope_kind ? 2 : 1;
    put_u32(record, begin + 6, static_cast<std::uint32_t>(record.size() - begin - frame_bytes));
    put_u32(record, begin + 2, checksum(std::string_view(record).substr(begin)));
}

template <class Message>
Result<void> append_sealed(std::string& out, char kind, Message const& message) {
    std::size_t const size = message.ByteSizeLong();
    if (size > Limits::record_bytes) return Errc::too_long;
    std::size_t const begin = out.size();
    out.resize(begin + frame_bytes + size);
    if (!message.SerializeToArray(out.data() + begin + frame_bytes, static_cast<int>(size))) {
        out.resize(begin);
        return Errc::too_long;
    }
    seal_in_place(kind, out, begin);
    return {};
}

// A message of Protocol Buffers is an allocation a field; one that is cleared keeps them. One a
// thread and kind, let go when it has grown large.
template <class Message>
class Reused {
  public:
    Message& message() {
        message_.Clear();
        return message_;
    }
    Result<void> seal_to(std::string& out, char kind, Result<void> const& written) {
        constexpr int kept_max = 64 << 10;
        Result<void> const sealed = written ? append_sealed(out, kind, message_) : written;
        if (!sealed || message_.GetCachedSize() > kept_max) message_ = Message{};
        return sealed;
    }

  private:
    Message message_;
};

std::int64_t bounded_ms(WallTime t) {
    return std::clamp(to_millis(t), -Limits::time_ms, Limits::time_ms);
}

// ---- To records. Errors are collected: the first one counts.

class Writer {
  public:
    Result<void> result() const {
        if (error_) return error_;
        return {};
    }
    std::string_view text(std::string_view value) const { return value.substr(0, Limits::text); }
    std::string_view exact(std::string_view value, std::size_t max) {
        if (value.size() > max) fail(Errc::too_long);
        return value.substr(0, max);
    }
    void fail(Errc error) {
        if (!error_) error_ = error;
    }

    void address(record::Address& out, mail::Address const& in) {
        if (std::any_of(in.local.begin(), in.local.end(), ascii::is_control) ||
            std::any_of(in.domain.begin(), in.domain.end(), ascii::is_control)) {
            fail(Errc::bad_syntax);
        }
        set(in.local, Limits::address_part, [&](auto v) { out.set_local(v.data(), v.size()); });
        set(in.domain, Limits::address_part, [&](auto v) { out.set_domain(v.data(), v.size()); });
    }
    void origin(record::Origin& out, Origin const& in) {
        cut(in.listener, [&](auto v) { out.set_listener(v.data(), v.size()); });
        cut(in.client_address, [&](auto v) { out.set_client_address(v.data(), v.size()); });
        cut(in.client_name, [&](auto v) { out.set_client_name(v.data(), v.size()); });
        cut(in.helo, [&](auto v) { out.set_helo(v.data(), v.size()); });
        cut(in.protocol, [&](auto v) { out.set_protocol(v.data(), v.size()); });
        cut(in.tls, [&](auto v) { out.set_tls(v.data(), v.size()); });
        cut(in.identity, [&](auto v) { out.set_identity(v.data(), v.size()); });
    }
    void outcome(record::Outcome& out, Outcome const& in) {
        out.set_kind(static_cast<std::uint32_t>(in.kind));
        out.set_code(in.code);
        cut(in.status, [&](auto v) { out.set_status(v.data(), v.size()); });
        cut(in.text, [&](auto v) { out.set_text(v.data(), v.size()); });
        cut(in.remote_host, [&](auto v) { out.set_remote_host(v.data(), v.size()); });
        cut(in.remote_address, [&](auto v) { out.set_remote_address(v.data(), v.size()); });
        cut(in.stage, [&](auto v) { out.set_stage(v.data(), v.size()); });
        cut(in.tls, [&](auto v) { out.set_tls(v.data(), v.size()); });
        out.set_at_ms(bounded_ms(in.at));
        out.set_took_ms(in.took_ms);
        out.set_remote_has_dsn(in.remote_has_dsn);
        out.set_whole_host(in.whole_host);
    }
    void recipient(record::Recipient& out, Recipient const& in) {
        if (in.address.is_null()) fail(Errc::bad_syntax);
        address(*out.mutable_address(), in.address);
        if (in.original != in.address) address(*out.mutable_original(), in.original);
        set(in.orcpt, Limits::parameter, [&](auto v) { out.set_orcpt(v.data(), v.size()); });
        out.set_notify((in.notify.never ? 1U : 0U) | (in.notify.success ? 2U : 0U) |
                       (in.notify.failure ? 4U : 0U) | (in.notify.delay ? 8U : 0U));
        set(in.destination, Limits::parameter,
            [&](auto v) { out.set_destination(v.data(), v.size()); });
        out.set_state(static_cast<std::uint32_t>(in.state));
        out.set_attempts(in.attempts);
        out.set_next_attempt_ms(bounded_ms(in.next_attempt));
        out.set_delay_notified(in.delay_notified);
        out.set_quarantined(in.quarantined);
        if (in.last != Outcome{}) outcome(*out.mutable_last(), in.last);
    }
    void envelope(record::Envelope& out, Envelope const& in) {
        if (in.id.is_null()) fail(Errc::bad_syntax);
        auto const id = in.id.bytes();
        out.set_id(id.data(), id.size());
        if (!in.reverse_path.is_null()) address(*out.mutable_reverse_path(), in.reverse_path);
        out.set_ret(static_cast<std::uint32_t>(in.ret));
        set(in.envid, Limits::parameter, [&](auto v) { out.set_envid(v.data(), v.size()); });
        out.set_body(static_cast<std::uint32_t>(in.body));
        out.set_smtputf8(in.smtputf8);
        out.set_require_tls(in.require_tls);
        if (in.origin != Origin{}) origin(*out.mutable_origin(), in.origin);
        out.set_arrived_ms(bounded_ms(in.arrived));
        out.set_expires_ms(bounded_ms(in.expires));
        out.set_content_size(in.content_size);
        set(in.trace, Limits::trace, [&](auto v) { out.set_trace(v.data(), v.size()); });
        cut(in.header_message_id, [&](auto v) { out.set_header_message_id(v.data(), v.size()); });
        cut(in.header_from, [&](auto v) { out.set_header_from(v.data(), v.size()); });
        cut(in.header_subject, [&](auto v) { out.set_header_subject(v.data(), v.size()); });
        out.set_hops(in.hops);
        if (in.recipients.size() > Limits::recipients) return fail(Errc::too_many);
        out.mutable_recipients()->Reserve(static_cast<int>(in.recipients.size()));
        for (auto const& r : in.recipients) recipient(*out.add_recipients(), r);
    }
    void event(record::Event& out, Event const& in) {
        out.set_kind(static_cast<std::uint32_t>(in.kind));
        out.set_at_ms(bounded_ms(in.at));
        if (!in.id.is_null()) out.set_id(in.id.bytes().data(), in.id.bytes().size());
        cut(in.sender, [&](auto v) { out.set_sender(v.data(), v.size()); });
        cut(in.recipient, [&](auto v) { out.set_recipient(v.data(), v.size()); });
        cut(in.destination, [&](auto v) { out.set_destination(v.data(), v.size()); });
        if (in.outcome != Outcome{}) outcome(*out.mutable_outcome(), in.outcome);
        out.set_next_attempt_ms(bounded_ms(in.next_attempt));
        out.set_attempt(in.attempt);
        out.set_size_bytes(in.size_bytes);
        if (in.origin != Origin{}) origin(*out.mutable_origin(), in.origin);
        if (!in.related.is_null()) {
            out.set_related(in.related.bytes().data(), in.related.bytes().size());
        }
        cut(in.note, [&](auto v) { out.set_note(v.data(), v.size()); });
        set(in.authentication, Limits::facts,
            [&](auto v) { out.set_authentication(v.data(), v.size()); });
    }

  private:
    template <class Put>
    void set(std::string_view value, std::size_t max, Put put) {
        if (!value.empty()) put(exact(value, max));
    }
    template <class Put>
    void cut(std::string_view value, Put put) {
        if (!value.empty()) put(text(value));
    }
    ErrorCode error_;
};

// ---- From records. ok() turns false at the first thing that does not hold.

class Reader {
  public:
    bool ok() const { return ok_; }

    std::string text(std::string const& value, std::size_t max = Limits::text) {
        check(value.size() <= max);
        return ok_ ? value : std::string();
    }
    WallTime time(std::int64_t ms) {
        check(ms >= -Limits::time_ms && ms <= Limits::time_ms);
        return ok_ ? from_millis(ms) : WallTime{};
    }
    template <class E>
    E enumerator(std::uint32_t value, E last) {
        check(value <= static_cast<std::uint32_t>(last));
        return ok_ ? static_cast<E>(value) : E{};
    }
    MessageId id(std::string const& bytes, bool may_be_null) {
        if (bytes.empty() && may_be_null) return {};
        auto const parsed = MessageId::from_bytes(bytes);
        check(parsed.has_value() && !parsed->is_null());
        return ok_ ? *parsed : MessageId{};
    }
    mail::Address address(record::Address const& in) {
        mail::Address out;
        out.local = text(in.local(), Limits::address_part);
        out.domain = text(in.domain(), Limits::address_part);
        check(std::none_of(out.local.begin(), out.local.end(), ascii::is_control));
        check(std::none_of(out.domain.begin(), out.domain.end(), ascii::is_control));
        return out;
    }
    Origin origin(record::Origin const& in) {
        Origin out;
        out.listener = text(in.listener());
        out.client_address = text(in.client_address());
        out.client_name = text(in.client_name());
        out.helo = text(in.helo());
        out.protocol = text(in.protocol());
        out.tls = text(in.tls());
        out.identity = text(in.identity());
        return out;
    }
    Outcome outcome(record::Outcome const& in) {
        Outcome out;
        out.kind = enumerator(in.kind(), Outcome::Kind::failed);
        check(in.code() <= 999);
        out.code = static_cast<std::uint16_t>(in.code());
        out.status = text(in.status());
        out.text = text(in.text());
        out.remote_host = text(in.remote_host());
        out.remote_address = text(in.remote_address());
        out.stage = text(in.stage());
        out.tls = text(in.tls());
        out.at = time(in.at_ms());
        out.took_ms = in.took_ms();
        out.remote_has_dsn = in.remote_has_dsn();
        out.whole_host = in.whole_host();
        return out;
    }
    Recipient recipient(record::Recipient const& in) {
        Recipient out;
        out.address = address(in.address());
        check(!out.address.is_null());
        out.original = in.has_original() ? address(in.original()) : out.address;
        out.orcpt = text(in.orcpt(), Limits::parameter);
        check(in.notify() < 16);
        out.notify.never = (in.notify() & 1U) != 0;
        out.notify.success = (in.notify() & 2U) != 0;
        out.notify.failure = (in.notify() & 4U) != 0;
        out.notify.delay = (in.notify() & 8U) != 0;
        out.destination = text(in.destination(), Limits::parameter);
        out.state = enumerator(in.state(), State::removed);
        out.attempts = in.attempts();
        out.next_attempt = time(in.next_attempt_ms());
        out.delay_notified = in.delay_notified();
        out.quarantined = in.quarantined();
        if (in.has_last()) out.last = outcome(in.last());
        return out;
    }
    Envelope envelope(record::Envelope const& in) {
        Envelope out;
        out.id = id(in.id(), false);
        if (in.has_reverse_path()) out.reverse_path = address(in.reverse_path());
        out.ret = enumerator(in.ret(), Ret::headers);
        out.envid = text(in.envid(), Limits::parameter);
        out.body = enumerator(in.body(), Body::binary);
        out.smtputf8 = in.smtputf8();
        out.require_tls = in.require_tls();
        if (in.has_origin()) out.origin = origin(in.origin());
        out.arrived = time(in.arrived_ms());
        out.expires = time(in.expires_ms());
        out.content_size = in.content_size();
        out.trace = text(in.trace(), Limits::trace);
        out.header_message_id = text(in.header_message_id());
        out.header_from = text(in.header_from());
        out.header_subject = text(in.header_subject());
        out.hops = in.hops();
        check(static_cast<std::size_t>(in.recipients_size()) <= Limits::recipients);
        if (!ok_) return out;
        out.recipients.reserve(static_cast<std::size_t>(in.recipients_size()));
        for (auto const& r : in.recipients()) {
            out.recipients.push_back(recipient(r));
            if (!ok_) break;
        }
        return out;
    }
    Event event(record::Event const& in) {
        Event out;
        out.kind = enumerator(in.kind(), Event::Kind::spool_trouble);
        out.at = time(in.at_ms());
        out.id = id(in.id(), true);
        out.sender = text(in.sender());
        out.recipient = text(in.recipient());
        out.destination = text(in.destination());
        if (in.has_outcome()) out.outcome = outcome(in.outcome());
        out.next_attempt = time(in.next_attempt_ms());
        out.attempt = in.attempt();
        out.size_bytes = in.size_bytes();
        if (in.has_origin()) out.origin = origin(in.origin());
        out.related = id(in.related(), true);
        out.note = text(in.note());
        out.authentication = text(in.authentication(), Limits::facts);
        return out;
    }

  private:
    void check(bool holds) { ok_ = ok_ && holds; }
    bool ok_ = true;
};

template <class Message>
Result<void> parse(char kind, std::string_view record, Message& message) {
    DAWK_TRY(auto const payload, unseal(kind, record));
    if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return Errc::corrupt;
    }
    return {};
}

}  // namespace

std::string seal(char kind, std::string_view payload) {
    std::string record(frame_bytes, '\0');
    record += payload;
    seal_in_place(kind, record, 0);
    return record;
}

Result<std::string_view> unseal(char kind, std::string_view record) {
    if (record.size() < frame_bytes || record[0] != kind) return Errc::corrupt;
    if (record.size() - frame_bytes > Limits::record_bytes) return Errc::corrupt;
    if (checksum(record) != get_u32(record, 2)) return Errc::corrupt;
    if (record[1] != 1) return Errc::unsupported;  // made by a newer Dawk, and intact
    if (get_u32(record, 6) != record.size() - frame_bytes) return Errc::corrupt;
    return record.substr(frame_bytes);
}

Result<void> encode_to(std::string& out, Envelope const& envelope) {
    thread_local Reused<record::Envelope> reused;
    Writer writer;
    writer.envelope(reused.message(), envelope);
    return reused.seal_to(out, envelope_kind, writer.result());
}

Result<void> encode_to(std::string& out, Event const& event) {
    thread_local Reused<record::Event> reused;
    Writer writer;
    writer.event(reused.message(), event);
    return reused.seal_to(out, event_kind, writer.result());
}

Result<std::string> encode(Envelope const& envelope) {
    std::string record;
    DAWK_TRY_VOID(encode_to(record, envelope));
    return record;
}

Result<std::string> encode(Event const& event) {
    std::string record;
    DAWK_TRY_VOID(encode_to(record, event));
    return record;
}

Result<Envelope> decode_envelope(std::string_view record) {
    record::Envelope message;
    DAWK_TRY_VOID(parse(envelope_kind, record, message));
    Reader reader;
    auto envelope = reader.envelope(message);
    if (!reader.ok()) return Errc::corrupt;
    return envelope;
}

Result<Event> decode_event(std::string_view record) {
    record::Event message;
    DAWK_TRY_VOID(parse(event_kind, record, message));
    Reader reader;
    auto event = reader.event(message);
    if (!reader.ok()) return Errc::corrupt;
    return event;
}

}  // namespace dawk::envelope
