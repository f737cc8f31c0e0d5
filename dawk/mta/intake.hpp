// Intake: one message on its way in, from its first octet to the commit. It scans the header
// section, edits that of a submission, streams the content to the spool and makes the envelope
// durable.
//
//     Intake intake(ports, context, id, announced_size);
//     Verdict v = co_await intake.write(octets);          // as they arrive; memory stays bounded
//     Verdict v = co_await intake.finish(std::move(envelope));
//
// A verdict without code is good. Nothing is left behind by an intake that dies unfinished.
// Standards: RFC 5321 §4.4, §6.3; RFC 5322 §3.6; RFC 6409 §8; RFC 7103 §7.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dawk/directory/directory.hpp"
#include "dawk/envelope/event.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mta/accepted.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/rt/env.hpp"
#include "dawk/rt/task_group.hpp"
#include "dawk/spool/spool.hpp"

namespace dawk::mta {

class VerdictSink;

// What the receiving side works with; all of it outlives every session.
struct ReceiverPorts {
    rt::Env& env;
    spool::Spool& spool;
    directory::Directory& directory;
    envelope::EventSink& events;
    AcceptedSink& accepted;
    rt::TaskGroup& later;             // commits of listeners with durability memory
    VerdictSink* verdicts = nullptr;  // who is told what was found about messages, if anybody
};

struct Verdict {
    std::uint16_t code = 0;   // 0: good
    std::string_view status;  // of static text
    std::string text;
    bool is_good() const noexcept { return code == 0; }
};

struct IntakeOptions {
    bool submission = false;  // complete and clean the header (RFC 6409 §8)
    Durability durability = Durability::disk;
    smtp::Limits limits;
    std::string hostname;  // of message ids we make
    mail::Address from;    // of a submission that has no From
};

class Intake {
  public:
    Intake(ReceiverPorts& ports, IntakeOptions options, MessageId id, std::uint64_t announced_size);

    Task<Verdict> write(std::string_view octets);
    // envelope: complete but for what the content tells. After a good verdict the message is ours.
    Task<Verdict> finish(std::unique_ptr<envelope::Envelope> envelope);
    MessageId id() const noexcept { return id_; }

  private:
    Task<Verdict> end_header();
    Verdict judge_header();
    std::string edited_header() const;
    void fill(envelope::Envelope& envelope) const;
    Task<Verdict> put(std::string_view octets);
    Task<Verdict> commit(spool::Batch batch, spool::EnvelopePtr envelope,
                         spool::ContentPtr content);
    Verdict spool_failed(ErrorCode error);

    ReceiverPorts& ports_;
    IntakeOptions options_;
    MessageId id_;
    std::unique_ptr<spool::ContentWriter> writer_;
    mail::HeaderScanner scanner_;
    mail::HeaderSection header_;
    bool header_done_ = false;
    std::string held_;        // of a submission: what came before the header was complete
    std::uint64_t size_ = 0;  // octets put
};

}  // namespace dawk::mta
