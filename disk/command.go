package disk

import (
	"fmt"

	"github.com/doublemount/doublemount/model"
)

// Command is one request of a port. Data of a read is filled, Data of a write
// is taken, both at [Disk.Complete]; until then it must not be used otherwise,
// as with any device that does its own memory access. The same holds for
// Compare and Reserve.
type Command struct {
	Kind   model.CommandKind // ReadCommand, WriteCommand, FlushCommand, CompareCommand or ReserveCommand
	FUA    bool              // write, compare-and-write: stable when complete (force unit access)
	Blocks int32             // how many, from Block on; 0 means 1
	Block  int
	Data   []byte // as many bytes as Blocks are long

	// Compare, as long as Data, is what must be there for a compare-and-write to
	// write Data. Comparing and writing is one atomic act on all blocks.
	Compare []byte

	Reserve *Reserve // of a ReserveCommand
}

// blocks is how many blocks a command is about.
func (c *Command) blocks() int { return int(max(c.Blocks, 1)) }

// String is for errors: "write of block 3".
func (c *Command) String() string {
	switch {
	case c.Kind == model.ReserveCommand && c.Reserve != nil:
		return c.Reserve.Action.String()
	case c.Kind == model.FlushCommand, c.Kind == model.ReserveCommand:
		return c.Kind.String()
	case c.blocks() > 1:
		return fmt.Sprintf("%v of blocks %d to %d", c.Kind, c.Block, c.Block+c.blocks()-1)
	}
	return fmt.Sprintf("%v of block %d", c.Kind, c.Block)
}

// check is what is wrong with a command whatever the state of the disk is.
func (c *Command) check(config *Config) error {
	switch c.Kind {
	case model.FlushCommand:
		return nil
	case model.ReserveCommand:
		if c.Reserve == nil {
			return fmt.Errorf("reserve command without its parameters: %w", ErrInvalid)
		}
		return nil
	case model.ReadCommand, model.WriteCommand, model.CompareCommand:
	default:
		return fmt.Errorf("%v is no command of a disk: %w", c.Kind, ErrInvalid)
	}
	n := c.blocks()
	if n == 1 {
		if err := config.check(c.Block, c.Data); err != nil {
			return err
		}
	} else {
		if c.Block < 0 || c.Block > config.Blocks-n {
			return fmt.Errorf("blocks %d to %d of %d: %w", c.Block, c.Block+n-1, config.Blocks, ErrRange)
		}
		if len(c.Data) != n*config.BlockSize {
			return fmt.Errorf("buffer of %d bytes for %d blocks of %d: %w", len(c.Data), n, config.BlockSize, ErrRange)
		}
	}
	if c.Kind == model.CompareCommand && len(c.Compare) != len(c.Data) {
		return fmt.Errorf("%d bytes to compare for %d to write: %w", len(c.Compare), len(c.Data), ErrRange)
	}
	return nil
}

// Ticket is a command on its way. It is completed or aborted once.
type Ticket struct {
	port   Port
	slot   int32
	serial uint64
}

// flight is what the disk keeps of a command on its way.
type flight struct {
	serial  uint64 // of the ticket; 0: the slot is free
	mark    uint64 // flush: how many writes had gone through the cache before
	port    Port
	refused bool // by the reservation in force at Submit
	command Command
}

// error says which command it was.
func (f *flight) error(why error) error {
	return fmt.Errorf("port %d: %v: %w", f.port, &f.command, why)
}

// Result is what a completed command did to its block, or to the first of them;
// [Disk.Results] has all. Versions of a block count from 0, the formatted disk;
// a number is never used for two contents.
//
// A write made Version, was built on Base, and destroyed Overwrote. That is all
// it takes to find stale writes: Base < Overwrote is one. Version is Overwrote+1
// unless a power loss has taken versions back, and Base > Overwrote is a write
// built on a version that a device reset has taken back.
type Result struct {
	Version   int32  // that was read, or made
	Base      int32  // write: the version this incarnation last read or wrote, -1 for none
	Overwrote int32  // write: the version that it replaced, else -1
	Sum       uint32 // CRC-32C of the block after the command
}

// Matched reports whether a compare-and-write found what it expected, and so
// wrote.
func (r Result) Matched() bool { return r.Overwrote >= 0 }

// BlockResult is a Result and the block that it is about.
type BlockResult struct {
	Block int
	Result
}

// nothing is the result of a command that neither reads nor writes.
var nothing = Result{Base: -1, Overwrote: -1}

// Fate is what becomes of a command, for whoever injects faults. The zero value
// carries it out as it should be. Nothing here is random: the caller chooses.
type Fate struct {
	Kind  FateKind
	Block int // of Misdirected: where the first block goes instead
}

// FateKind is a way for a command to end.
type FateKind uint8

// The fates. Lost and Misdirected are lies: the command returns without an
// error. What the incarnation is known to have seen does not change with them,
// since it does not know what happened.
const (
	Done        FateKind = iota // carried out
	Failed                      // not carried out; the error wraps ErrMedia
	Lost                        // reported as a success, but nothing is read, written or flushed. A write's Overwrote is its Version
	Misdirected                 // carried out on other blocks. A command without blocks is just carried out
)
