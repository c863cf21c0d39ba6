package identity

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// superblock reads from the beginning of a device what file system it has and which
// one; nothing if it is none of those that are known here. Layouts: ext4's, XFS's
// and btrfs's on-disk format documents in the kernel's tree; NTFS, exFAT and FAT boot
// sectors as published by Microsoft.
func superblock(device io.ReaderAt) (kind, uuid string) {
	read := func(at int64, n int) []byte {
		b := make([]byte, n)
		if _, err := device.ReadAt(b, at); err != nil {
			return nil
		}
		return b
	}
	if s := read(0, 512); s != nil {
		switch {
		case string(s[:4]) == "XFSB":
			return "xfs", format(s[32:48])
		case string(s[3:11]) == "NTFS    ":
			return "ntfs", fmt.Sprintf("%016X", binary.LittleEndian.Uint64(s[0x48:]))
		case string(s[3:11]) == "EXFAT   ":
			return "exfat", serial(s[100:])
		case string(s[82:87]) == "FAT32":
			return "vfat", serial(s[67:])
		case string(s[54:57]) == "FAT":
			return "vfat", serial(s[39:])
		}
	}
	if s := read(1024, 256); s != nil && binary.LittleEndian.Uint16(s[0x38:]) == 0xEF53 {
		return "ext4", format(s[0x68:0x78]) // or ext2 or ext3: the mount says which
	}
	if s := read(64<<10, 256); s != nil && string(s[64:72]) == "_BHRfS_M" {
		return "btrfs", format(s[32:48])
	}
	return "", ""
}

// serial is four bytes as a FAT's serial number is printed.
func serial(b []byte) string {
	n := binary.LittleEndian.Uint32(b)
	return fmt.Sprintf("%04X-%04X", n>>16, n&0xffff)
}

// format is 16 bytes as a UUID; empty if they are all zero.
func format(b []byte) string {
	if [16]byte(b) == [16]byte{} {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
