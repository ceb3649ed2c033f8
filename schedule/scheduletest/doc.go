// Package scheduletest checks schedules: the user's own in their tests, and those of package schedule in its tests.
//
//	func TestMySchedule(t *testing.T) {
//		scheduletest.Check(t, MySchedule{Peak: 0.1}, scheduletest.WithRange(0, 0.1), scheduletest.WithHold(500))
//	}
package scheduletest
