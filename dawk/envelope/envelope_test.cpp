// Records of envelopes and events: nothing is lost, nothing broken is taken.
#include <gtest/gtest.h>

#include "dawk/base/crc32c.hpp"
#include "dawk/envelope/codec.hpp"

namespace dawk::envelope {
namespace {

Outcome full_outcome() {
    Outcome o;
    o.kind = Outcome::Kind::failed;
    o.code = 550;
    o.status = "5.1.1";
    o.text = "no such user\r\nreally";
    o.remote_host = "mx.example.com";
    o.remote_address = "192.0.2.1:25";
    o.stage = "rcpt";
    o.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
    o.at = from_millis(1'700'000'000'123);
    o.took_ms = 1234;
    o.remote_has_dsn = true;
    o.whole_host = true;
    return o;
}

Origin full_origin() {
    return {"127.0.0.1:25", "192.0.2.7", "client.example", "[192.0.2.7]",
            "ESMTPSA",      "TLSv1.2 X", "user@example"};
}

Envelope full_envelope() {
    Envelope e;
    e.id = MessageId::make(from_millis(1'700'000'000'000), 1, 2);
    e.reverse_path = {"some one", "example.org"};
    e.ret = Ret::headers;
    e.envid = "QQ 314159";
    e.body = Body::binary;
    e.smtputf8 = true;
    e.require_tls = true;
    e.origin = full_origin();
    e.arrived = from_millis(1'700'000'000'000);
    e.expires = from_millis(1'700'400'000'000);
    e.content_size = 1ULL << 40U;
    e.trace = "Received: by x;\r\n\tnow\r\n";
    e.header_message_id = "<1@example.org>";
    e.header_from = "\xff\xfe raw octets";
    e.header_subject = std::string("nul \0 inside", 12);
    e.hops = 3;
    Recipient plain;
    plain.address = {"a", "example.com"};
    plain.original = plain.address;
    Recipient full;
    full.address = {"b", "[192.0.2.9]"};
    full.original = {"B.alias", "example.com"};
    full.orcpt = "rfc822;B.alias@example.com";
    full.notify = {false, true, true, true};
    full.destination = "mx:example.com";
    full.state = State::expired;
    full.attempts = 12;
    full.next_attempt = from_millis(1'700'000'900'000);
    full.delay_notified = true;
    full.last = full_outcome();
    e.recipients = {plain, full};
    return e;
}

Event full_event() {
    Event event;
    event.kind = Event::Kind::dsn_made;
    event.at = from_millis(1'700'000'000'456);
    event.id = full_envelope().id;
    event.sender = "a@example.org";
    event.recipient = "b@example.com";
    event.destination = "example.com";
    event.outcome = full_outcome();
    event.next_attempt = from_millis(-1);
    event.attempt = 4;
    event.size_bytes = 98765;
    event.origin = full_origin();
    event.related = MessageId::make(from_millis(1'700'000'000'001), 3, 4);
    event.note = "by hand";
    return event;
}

TEST(Codec, AFullEnvelopeComesBackEqual) {
    auto const record = encode(full_envelope());
    ASSERT_TRUE(record);
    auto const again = decode_envelope(*record);
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == full_envelope());
}

TEST(Codec, TheLeastEnvelopeComesBackEqualAndIsSmall) {
    Envelope e;
    e.id = full_envelope().id;
    auto const record = encode(e);
    ASSERT_TRUE(record);
    EXPECT_LT(record->size(), 40U);
    EXPECT_TRUE(*decode_envelope(*record) == e);
}

TEST(Codec, EventsComeBackEqual) {
    EXPECT_TRUE(*decode_event(*encode(full_event())) == full_event());
    EXPECT_TRUE(*decode_event(*encode(Event{})) == Event{});
    for (int kind = 0; kind <= static_cast<int>(Event::Kind::spool_trouble); ++kind) {
        Event event;
        event.kind = static_cast<Event::Kind>(kind);
        EXPECT_TRUE(*decode_event(*encode(event)) == event);
    }
}

TEST(Codec, EveryFlippedBitAndEveryCutIsFound) {
    auto const record = *encode(full_envelope());
    for (std::size_t i = 0; i < record.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto broken = record;
            broken[i] = static_cast<char>(static_cast<unsigned char>(broken[i]) ^ (1U << bit));
            EXPECT_EQ(decode_envelope(broken).error(), Errc::corrupt) << i << " " << bit;
        }
        EXPECT_EQ(decode_envelope(record.substr(0, i)).error(), Errc::corrupt);
    }
    EXPECT_EQ(decode_envelope(record + '\0').error(), Errc::corrupt);
}

TEST(Codec, KindsAreNotMixedUp) {
    EXPECT_EQ(decode_event(*encode(full_envelope())).error(), Errc::corrupt);
    EXPECT_EQ(decode_envelope(*encode(full_event())).error(), Errc::corrupt);
}

TEST(Codec, FieldsOfANewerDawkAreSkipped) {
    auto const record = *encode(full_envelope());
    std::string payload = record.substr(frame_bytes);
    payload += "\xba\x3e\x03new";  // field 999, length-delimited
    auto const again = decode_envelope(seal(envelope_kind, payload));
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == full_envelope());
}

TEST(Codec, WhatProtocolsNeedIsRefusedWhenTooLongAndWhatPeopleReadIsCut) {
    auto e = full_envelope();
    e.recipients[1].last.text.assign(CodecLimits::text + 1, 'x');
    e.header_subject.assign(CodecLimits::text, 'y');
    auto const again = decode_envelope(*encode(e));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->recipients[1].last.text.size(), CodecLimits::text);
    EXPECT_EQ(again->header_subject, e.header_subject);

    e = full_envelope();
    e.trace.assign(CodecLimits::trace, 't');
    EXPECT_TRUE(decode_envelope(*encode(e)));
    e.trace += 't';
    EXPECT_EQ(encode(e).error(), Errc::too_long);
    e = full_envelope();
    e.envid.assign(CodecLimits::parameter + 1, 'x');
    EXPECT_EQ(encode(e).error(), Errc::too_long);
    e = full_envelope();
    e.recipients[0].address.local.assign(CodecLimits::address_part + 1, 'x');
    EXPECT_EQ(encode(e).error(), Errc::too_long);
    e = full_envelope();
    e.recipients.resize(CodecLimits::recipients + 1, e.recipients[0]);
    EXPECT_EQ(encode(e).error(), Errc::too_many);
    e.recipients.pop_back();
    EXPECT_EQ(decode_envelope(*encode(e))->recipients.size(), CodecLimits::recipients);
}

TEST(Codec, RefusesWhatNoEnvelopeMayHold) {
    auto e = full_envelope();
    e.id = MessageId{};
    EXPECT_EQ(encode(e).error(), Errc::bad_syntax);
    e = full_envelope();
    e.recipients[0].address = {};
    EXPECT_EQ(encode(e).error(), Errc::bad_syntax);
    e = full_envelope();
    e.reverse_path.local = "a\r\nRCPT";
    EXPECT_EQ(encode(e).error(), Errc::bad_syntax);
    std::string const payload = encode(full_envelope())->substr(frame_bytes);
    // A later occurrence of a field wins: these make state, notify, ret ... what they may not be.
    for (std::string_view const bad : {"\x18\x03", "\x28\x03", "\x0a\x01x", "\x8a\x01\x00"}) {
        EXPECT_EQ(decode_envelope(seal(envelope_kind, payload + std::string(bad))).error(),
                  Errc::corrupt);
    }
    EXPECT_EQ(decode_event(seal(event_kind, "\x08\x12")).error(), Errc::corrupt);
}

TEST(Codec, TimesAreClampedToFourDigitYears) {
    Event event;
    event.at = WallTime::max();
    event.next_attempt = WallTime::min();
    auto const again = decode_event(*encode(event));
    ASSERT_TRUE(again);
    EXPECT_EQ(to_millis(again->at), CodecLimits::time_ms);
    EXPECT_EQ(to_millis(again->next_attempt), -CodecLimits::time_ms);
}

TEST(Codec, ANewerVersionIsNotTakenForDamage) {
    std::string newer("E\x02\0\0\0\0\0\0\0\0", 10);
    auto const sum = crc32c(newer.substr(6), crc32c(newer.substr(0, 2)));
    for (unsigned i = 0; i < 4; ++i) newer[2 + i] = static_cast<char>((sum >> (8 * i)) & 0xFFU);
    EXPECT_EQ(decode_envelope(newer).error(), Errc::unsupported);
}

TEST(Event, EveryKindHasAName) {
    for (int kind = 0; kind <= static_cast<int>(Event::Kind::spool_trouble); ++kind) {
        EXPECT_NE(to_string(static_cast<Event::Kind>(kind)), "unknown");
    }
    EXPECT_EQ(to_string(Event::Kind::delay_notified), "delay_notified");
}

TEST(Envelope, IsFinishedWhenEveryRecipientIs) {
    auto e = full_envelope();
    EXPECT_FALSE(e.is_finished());
    e.recipients[0].state = State::removed;
    EXPECT_TRUE(e.is_finished());
}

}  // namespace
}  // namespace dawk::envelope
